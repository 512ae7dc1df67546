"""The conformance classes of text endpoints: a good one passes, and each broken one is caught by the check made for it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from modelhub.errors import (
    BadRequest,
    ContentFiltered,
    KeyRefused,
    ModelhubError,
    ProviderDown,
    ProviderError,
    RateLimited,
    StreamBroken,
    UnknownModel,
)
from modelhub.http import HttpRequest, HttpResponse, Secret
from modelhub.interfaces.content import TextPart
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import AnyModel, Finished, ModelCard, Runtime, Usage
from modelhub.testing import Recording, TextEndpointConformance
from modelhub.testing.guard import Reached
from modelhub.testing.sentinel import SENTINEL, Sentinel

CARD = ModelCard(
    model="line:chat",
    kind="text",
    capabilities=dict.fromkeys(("images", "audio", "files", "tools", "structured_output"), False),
    settings=frozenset({"temperature", "max_output_tokens"}),
)
ERRORS: dict[int, type[ProviderError]] = {
    401: KeyRefused,
    404: UnknownModel,
    429: RateLimited,
    500: ProviderDown,
    502: ProviderDown,
}
RECORDING = Recording(
    name="greeting",
    request={"messages": [{"role": "user", "content": "Hello, 世界！ 👩‍🚀 Ünïcödé"}]},
    response='{"text": "こんにちは👩‍🚀", "end": "stop", "tokens": 4}'.encode(),
    chunks='{"text": "こんに"}\n{"text": "ちは👩‍🚀"}\n{"end": "stop", "tokens": 4}\n'.encode(),
    answer={"text": "こんにちは👩‍🚀", "finish_reason": "stop", "usage": {"output_tokens": 4}},
    chunks_type="application/x-ndjson",
)


def answer(text: str, end: str, tokens: int | None = None) -> TextResponse[Any]:
    content, usage = (TextPart(text),), Usage(output_tokens=tokens)
    return TextResponse(content=content, finish_reason=end, usage=usage, model="chat", provider="line")  # type: ignore[arg-type]


class Lines:
    """The decoder of a stream of JSON lines."""

    def __init__(self) -> None:
        self.rest = b""
        self.text = ""
        self.end: dict[str, Any] | None = None

    def feed(self, data: bytes) -> Iterable[Any]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [event for line in lines for event in self.line(json.loads(line))]

    def line(self, value: dict[str, Any]) -> Iterable[Any]:
        if "end" in value:
            self.end = value
            return []
        self.text += value["text"]
        return [TextDelta(value["text"])]

    def close(self) -> Iterable[Any]:
        if self.end is None:
            raise StreamBroken("The stream ended without its end.", partial=self.partial())
        return [Finished(answer(self.text, self.end["end"], self.end["tokens"]))]

    def partial(self) -> TextResponse[Any]:
        return answer(self.text, "other")


@dataclass(frozen=True)
class Line:
    """A good endpoint, whose parts the broken ones below change."""

    key: Secret = Sentinel()
    card: ModelCard = CARD
    lines: Callable[[], Any] = Lines

    def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        settings = {name: value for name, value in request.settings().items() if name in CARD.settings}  # type: ignore[operator]
        body = json.dumps({"messages": messages, "stream": stream, **settings}, ensure_ascii=False).encode()
        return HttpRequest("POST", "https://line.invalid/chat", {"authorization": self.key}, body)

    def parse(self, response: HttpResponse) -> TextResponse[Any]:
        value = json.loads(response.body)
        return answer(value["text"], value["end"], value["tokens"])

    def decoder(self) -> Any:
        return self.lines()

    def fault(self, response: HttpResponse) -> ModelhubError:
        kind = ERRORS.get(response.status, BadRequest)
        wait = response.headers.get("retry-after")
        message = f"line answered {response.status}."
        return kind(message, status=response.status, retry_after=float(wait) if wait else None, provider="line")


class TestLine(TextEndpointConformance):
    model_id = "line:chat"
    recordings = (RECORDING,)
    faults = ((403, {"error": "key"}, BadRequest),)

    def endpoint(self) -> Any:
        return Line(self.secret)


class Kit(TextEndpointConformance):
    """The kit, holding one broken endpoint."""

    model_id: ClassVar[str] = "line:chat"

    def __init__(self, broken: Any, *recordings: Recording) -> None:
        self.broken = broken
        self.recordings = recordings or (RECORDING,)  # type: ignore[misc]  # each test has recordings of its own

    def endpoint(self) -> Any:
        return self.broken


def built(change: Callable[[HttpRequest, TextRequest], HttpRequest], **more: Any) -> Kit:
    class Builds(Line):
        def build(self, request: TextRequest, *, stream: bool) -> HttpRequest:
            return change(Line.build(self, request, stream=stream), request)

    return Kit(Builds(**more))


def test_a_build_that_reads_the_clock_is_caught() -> None:
    kit = built(lambda http, _: replace(http, url=f"{http.url}?at={time.perf_counter_ns()}"))
    with pytest.raises(AssertionError, match="no clock"):
        kit.test_build_writes_the_same_bytes_twice_and_opens_no_socket()


def test_a_build_that_opens_a_socket_is_caught() -> None:
    def reach(http: HttpRequest, _: TextRequest) -> HttpRequest:
        socket.socket().close()
        return http

    with pytest.raises(Reached, match=r"socket\.__new__"):
        built(reach).test_build_writes_the_same_bytes_twice_and_opens_no_socket()


def test_a_parse_that_asks_the_network_is_caught() -> None:
    class Asks(Line):
        def parse(self, response: HttpResponse) -> TextResponse[Any]:
            socket.getaddrinfo("localhost", 80)
            return Line.parse(self, response)

    with pytest.raises(Reached, match=r"socket\.getaddrinfo"):
        Kit(Asks()).test_parse_reads_what_was_recorded()


def test_a_request_that_differs_from_the_recorded_one_is_caught() -> None:
    kit = built(lambda http, _: replace(http, body=b'{"messages": [{"role": "user", "content": "hi"}]}'))
    with pytest.raises(AssertionError, match=r"body\.messages\[0\]\.content is 'hi'"):
        kit.test_build_writes_the_recorded_request()


def test_an_answer_misread_is_caught() -> None:
    class Misreads(Line):
        def parse(self, response: HttpResponse) -> TextResponse[Any]:
            return replace(Line.parse(self, response), finish_reason="length", usage=Usage())

    with pytest.raises(AssertionError, match=r"finish_reason is 'length'.*usage\.output_tokens is None"):
        Kit(Misreads()).test_parse_reads_what_was_recorded()


def test_words_lost_on_the_way_are_caught() -> None:
    kit = built(lambda http, _: replace(http, body=(http.body or b"").decode().encode("ascii", "replace")))
    with pytest.raises(AssertionError, match="are not in the body as they are"):
        kit.test_words_reach_the_wire_unharmed()


def test_words_escaped_as_json_are_words_all_the_same() -> None:
    built(
        lambda http, _: replace(http, body=json.dumps(json.loads(http.body or b"")).encode())
    ).test_words_reach_the_wire_unharmed()


def test_a_setting_promised_and_not_written_is_caught() -> None:
    kit = Kit(Line(card=replace(CARD, settings=frozenset({"seed"}))))
    with pytest.raises(AssertionError, match="honours 'seed', and build"):
        kit.test_every_setting_and_capability_of_the_card_reaches_the_wire()


def test_a_capability_promised_and_not_written_is_caught() -> None:
    kit = Kit(Line(card=replace(CARD, capabilities={"tools": True})))
    with pytest.raises(AssertionError, match="promises 'tools', and build"):
        kit.test_every_setting_and_capability_of_the_card_reaches_the_wire()


@pytest.mark.parametrize(
    ("message", "card"),
    [
        ("drops 'images' in silence", replace(CARD, capabilities={})),
        ("drops 'top_p' in silence", replace(CARD, settings=None)),
    ],
)
def test_what_is_dropped_in_silence_is_caught(message: str, card: ModelCard) -> None:
    with pytest.raises(AssertionError, match=message):
        Kit(Line(card=card)).test_nothing_is_dropped_in_silence(None)  # type: ignore[arg-type]  # it needs no runtime


class Faulty(Line):
    made: ClassVar[Callable[[HttpResponse], ModelhubError]]

    def fault(self, response: HttpResponse) -> ModelhubError:
        return type(self).made(response)


def faulty(made: Callable[[HttpResponse], ModelhubError]) -> Kit:
    return Kit(type("Faults", (Faulty,), {"made": staticmethod(made)})())


def test_an_error_of_the_wrong_class_is_caught() -> None:
    with pytest.raises(AssertionError, match="make it KeyRefused"):
        faulty(
            lambda response: BadRequest("no", status=response.status)
        ).test_errors_are_told_apart_by_status_whatever_the_body()


def test_an_error_judged_by_its_words_is_caught() -> None:
    def by_words(response: HttpResponse) -> ModelhubError:
        return ContentFiltered("no") if "拒否" in response.body.decode() else Line().fault(response)

    with pytest.raises(AssertionError, match="make it KeyRefused"):
        faulty(by_words).test_errors_are_told_apart_by_status_whatever_the_body()


def test_a_fault_that_trips_over_a_strange_body_is_caught() -> None:
    def trips(response: HttpResponse) -> ModelhubError:
        return Line().fault(response) if json.loads(response.body)["error"]["message"] else BadRequest("no")

    with pytest.raises((TypeError, ValueError, AssertionError)):
        faulty(trips).test_errors_are_told_apart_by_status_whatever_the_body()


def test_a_row_of_the_provider_itself_is_checked_too() -> None:
    class Known(Kit):
        faults = ((403, {"error": "quota"}, RateLimited),)

    with pytest.raises(AssertionError, match=r"403 with body .* make it RateLimited"):
        Known(Line()).test_errors_are_told_apart_by_status_whatever_the_body()


def test_a_429_whose_wait_is_lost_is_caught() -> None:
    with pytest.raises(AssertionError, match="no retry_after"):
        faulty(lambda _: RateLimited("Too many requests.")).test_a_429_says_how_long_to_wait()


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("into header 'authorization'", lambda http, _: replace(http, headers={"authorization": SENTINEL})),
        ("into the address", lambda http, _: replace(http, url=f"{http.url}?key={SENTINEL}")),
        ("into the body", lambda http, _: replace(http, body=SENTINEL.encode())),
    ],
)
def test_a_key_in_the_request_is_caught(message: str, change: Any) -> None:
    with pytest.raises(AssertionError, match=f"{message}|shows in HttpRequest"):
        built(change).test_the_key_is_shown_nowhere()


def test_a_key_in_a_repr_is_caught() -> None:
    class Loose(Line):
        def __repr__(self) -> str:
            return f"Loose({self.key.reveal()})"

    with pytest.raises(AssertionError, match="shows in Loose"):
        Kit(Loose()).test_the_key_is_shown_nowhere()


def decoded_by(lines: type[Lines]) -> Kit:
    return Kit(Line(lines=lines))


def test_a_decoder_that_depends_on_borders_is_caught() -> None:
    class NoBuffer(Lines):
        def feed(self, data: bytes) -> Iterable[Any]:
            return [event for line in data.splitlines() if line.endswith(b"}") for event in self.line(json.loads(line))]

    class HalfCharacters(Lines):
        def feed(self, data: bytes) -> Iterable[Any]:
            return Lines.feed(self, data.decode("utf-8", "replace").encode())

    for decoder in (NoBuffer, HalfCharacters):
        with pytest.raises((AssertionError, ValueError, StreamBroken)):
            decoded_by(decoder).test_events_are_the_same_wherever_the_bytes_are_cut()


def test_a_decoder_that_parts_lines_inside_json_is_caught() -> None:
    """AT-C6: U+2028 and U+0085 end no line."""

    class SplitLines(Lines):
        def feed(self, data: bytes) -> Iterable[Any]:
            text = (self.rest + data).decode()
            lines, self.rest = text.splitlines(), b""
            return [event for line in lines for event in self.line(json.loads(line))]

    body = '{"text": "一\u2028二\u0085三"}\n{"end": "stop", "tokens": 4}\n'.encode()
    with pytest.raises(ValueError, match="Unterminated"):
        Kit(Line(lines=SplitLines), replace(RECORDING, chunks=body)).test_events_are_the_same_wherever_the_bytes_are_cut()


def test_a_stream_that_collects_to_another_answer_is_caught() -> None:
    other = replace(RECORDING, chunks=b'{"text": "bye"}\n{"end": "stop", "tokens": 4}\n')
    with pytest.raises(AssertionError, match=r"response\.text is 'bye'"):
        Kit(Line(), other).test_a_recorded_stream_collects_to_the_recorded_answer()
    with pytest.raises(AssertionError, match=r"parse\(\) gives"):
        Kit(Line(), replace(other, answer={})).test_a_recorded_stream_collects_to_the_recorded_answer()


def test_a_decoder_shared_between_streams_is_caught() -> None:
    one = Lines()
    with pytest.raises((AssertionError, ValueError)):
        Kit(Line(lines=lambda: one)).test_two_streams_at_once_do_not_mix()


class Invents(Lines):
    """Takes any end for a stop."""

    def close(self) -> Iterable[Any]:
        return [Finished(answer(self.text, "stop", 4))]


def test_an_invented_stop_is_caught() -> None:
    with pytest.raises(AssertionError, match="became the answer"):
        decoded_by(Invents).test_a_stream_cut_short_breaks_and_keeps_what_came()
    with pytest.raises(AssertionError, match="An empty body became"):
        decoded_by(Invents).test_an_empty_stream_never_becomes_an_answer()


def test_a_broken_stream_without_what_had_arrived_is_caught() -> None:
    class Forgets(Lines):
        def close(self) -> Iterable[Any]:
            if self.end is None:
                raise StreamBroken("The stream ended without its end.")
            return Lines.close(self)

        def partial(self) -> Any:
            return None

    with pytest.raises(AssertionError, match=r"partial=self\.partial\(\)"):
        decoded_by(Forgets).test_a_stream_cut_short_breaks_and_keeps_what_came()


def test_half_a_line_taken_for_an_error_of_the_answer_is_caught() -> None:
    class Insists(Lines):
        def close(self) -> Iterable[Any]:
            return [*self.line(json.loads(self.rest))] if self.rest else Lines.close(self)

    with pytest.raises(AssertionError, match="became AnswerError"):
        decoded_by(Insists).test_a_stream_cut_short_breaks_and_keeps_what_came()


def test_a_decoder_that_finishes_by_itself_is_as_good() -> None:
    class AtOnce(Lines):
        def line(self, value: dict[str, Any]) -> Iterable[Any]:
            events = Lines.line(self, value)
            return events if self.end is None else Lines.close(self)

    kit = decoded_by(AtOnce)
    kit.test_events_are_the_same_wherever_the_bytes_are_cut()
    kit.test_two_streams_at_once_do_not_mix()
    kit.test_a_stream_cut_short_breaks_and_keeps_what_came()


def test_a_lost_connection_that_loses_the_words_is_caught() -> None:
    class Forgets(Lines):
        def partial(self) -> Any:
            return None

    with pytest.raises(AssertionError, match=r"give decoder\.partial\(\)"):
        decoded_by(Forgets).test_a_connection_lost_in_the_middle_breaks_the_stream()


@dataclass(frozen=True)
class Careless:
    """Reads a body by itself, and neither closes it nor says what a lost connection means."""

    endpoint: Line

    @property
    def card(self) -> ModelCard:
        return self.endpoint.card

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        return self.endpoint.parse(await runtime.send(self.endpoint.build(request, stream=False), request.timeouts))

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        body = await runtime.open(self.endpoint.build(request, stream=True), request.timeouts)
        decoder = self.endpoint.decoder()
        async for data in body.chunks():
            for event in decoder.feed(data):
                yield event
        for event in decoder.close():
            yield event


class Uncared(Kit):
    def wired(self) -> AnyModel:
        return Careless(self.broken)


def test_a_connection_that_stays_open_is_caught() -> None:
    with pytest.raises(AssertionError, match="left its connection open"):
        Uncared(Line()).test_an_abandoned_stream_gives_its_connection_back()


def test_a_lost_connection_that_breaks_nothing_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"became Unreachable.*expected StreamBroken"):
        Uncared(Line()).test_a_connection_lost_in_the_middle_breaks_the_stream()


def test_a_kit_without_recordings_says_what_to_do() -> None:
    class Empty(Kit):
        def __init__(self) -> None:
            super().__init__(Line())
            self.recordings = ()  # type: ignore[misc]  # none on purpose

    with pytest.raises(AssertionError, match="There is no recording"):
        Empty().recorded()
