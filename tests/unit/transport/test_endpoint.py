"""What ``HttpModel`` makes of an endpoint, without a socket."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from modelhub.errors import (
    AnswerError,
    BadRequest,
    InvalidRequest,
    ModelhubError,
    RequestError,
    StreamBroken,
    TimedOut,
    Unreachable,
    Unsupported,
)
from modelhub.http import Headers, HttpRequest, HttpResponse
from modelhub.model import Attempt, Finished, ModelCard, Request, Response, Timeouts
from modelhub.testing.fake import FakeRuntime
from modelhub.transport.credentials import Plain
from modelhub.transport.drive import drive, iterate
from modelhub.transport.endpoint import HttpModel


@dataclass
class Letters:
    """Gives each letter as an event; ``.`` ends the answer, ``!`` is a plugin's bug."""

    seen: str = ""

    def feed(self, data: bytes) -> Iterable[Any]:
        for letter in data.decode():
            if letter == "!":
                raise KeyError("bug")
            self.seen += letter
            if letter not in " .":
                yield letter
            if letter == ".":
                yield Finished(self.partial())

    def close(self) -> Iterable[Any]:
        if self.seen.endswith("?"):
            raise StreamBroken("cut")
        return [Finished(self.partial())] if self.seen.endswith(";") else []

    def partial(self) -> Response:
        if "%" in self.seen:
            raise KeyError("bug in partial")
        return Response(provider_metadata={"seen": self.seen})


@dataclass(frozen=True)
class Endpoint:
    parse_with: Callable[[HttpResponse], Response] = lambda _: Response()
    card: ModelCard = field(default_factory=lambda: ModelCard(model="parley:small", kind="text"))

    def build(self, request: Request, *, stream: bool) -> HttpRequest:
        return HttpRequest("POST", "http://x/stream" if stream else "http://x")

    def parse(self, response: HttpResponse) -> Response:
        return self.parse_with(response)

    def decoder(self) -> Letters:
        return Letters()

    def fault(self, response: HttpResponse) -> ModelhubError:
        return BadRequest(f"fault {response.status} {response.body.decode()}")


def stream(*pieces: bytes | Exception, runtime: FakeRuntime | None = None, timeouts: Timeouts | None = None) -> list[Any]:
    runtime = runtime or FakeRuntime(answers=[list(pieces)])
    events: list[Any] = []
    try:
        events.extend(iterate(HttpModel(Endpoint()).stream(Request(timeouts=timeouts or Timeouts()), runtime)))
    except ModelhubError as error:
        events.append(error)
    assert all(opened.closed for opened in runtime.streams)
    return events


def test_an_answer_gets_the_names_and_times_that_the_path_knows() -> None:
    response = drive(HttpModel(Endpoint()).call(Request(), FakeRuntime(answers=[HttpResponse(200)])))
    assert (response.model, response.provider, response.attempts) == ("small", "parley", (Attempt("parley:small"),))
    assert response.timing.total == 0.0


def test_names_that_the_provider_gave_are_kept() -> None:
    endpoint = Endpoint(parse_with=lambda _: Response(model="small-2026", provider="parley-eu"))
    response = drive(HttpModel(endpoint).call(Request(), FakeRuntime(answers=[HttpResponse(201)])))
    assert (response.model, response.provider) == ("small-2026", "parley-eu")


@pytest.mark.parametrize("status", [199, 300, 307, 400, 500])
def test_any_status_but_2xx_is_a_fault(status: int) -> None:
    model = HttpModel(Endpoint())
    with pytest.raises(BadRequest, match=f"fault {status} why"):
        drive(model.call(Request(), FakeRuntime(answers=[HttpResponse(status, body=b"why")])))
    runtime = FakeRuntime(answers=[HttpResponse(status, body=b"why")])
    with pytest.raises(BadRequest, match=f"fault {status} why"):
        list(iterate(model.stream(Request(), runtime)))
    assert runtime.streams[0].closed


def broken(_: HttpResponse) -> Response:
    raise KeyError("choices")


def test_a_plugins_slip_is_an_answer_not_understood() -> None:
    runtime = FakeRuntime(answers=[HttpResponse(200, body="こんな".encode())])
    with pytest.raises(AnswerError, match="choices") as caught:
        drive(HttpModel(Endpoint(parse_with=broken)).call(Request(), runtime))
    assert caught.value.head == "こんな".encode()
    assert isinstance(caught.value.__cause__, KeyError)


def test_events_before_a_slip_are_given_and_kept() -> None:
    """AT-C2: an event that cannot be understood breaks the stream, with what had come."""
    *events, error = stream(b"ab!c")
    assert events == ["a", "b"]
    assert isinstance(error, StreamBroken)
    assert isinstance(error.__cause__, AnswerError)
    assert isinstance(error.partial, Response)
    assert error.partial.provider_metadata == {"seen": "ab"}


def test_a_slip_before_the_first_event_is_an_answer_not_understood() -> None:
    assert isinstance(stream(b" !c")[0], AnswerError)


def test_nothing_is_read_after_finished() -> None:
    *letters, finished = stream(b"ab.", b"!")
    assert letters == ["a", "b"]
    assert isinstance(finished, Finished)


def test_finished_may_come_at_the_end_of_the_body() -> None:
    events = stream(b"a", b";")
    assert events[:2] == ["a", ";"]
    assert isinstance(events[2], Finished)
    assert events[2].response.provider == "parley"


def test_a_body_that_ends_without_finished_is_broken() -> None:
    *letters, error = stream(b"ab")
    assert letters == ["a", "b"]
    assert isinstance(error, StreamBroken)
    assert isinstance(error.partial, Response)
    assert error.partial.provider_metadata == {"seen": "ab"}


def test_a_decoder_that_says_broken_gets_its_partial_answer_added() -> None:
    error = stream(b"ab?")[-1]
    assert isinstance(error, StreamBroken)
    assert isinstance(error.partial, Response)
    assert error.message == "cut"


def test_a_decoder_that_cannot_say_what_had_come_hides_nothing() -> None:
    error = stream(b"a%")[-1]
    assert isinstance(error, StreamBroken)
    assert error.partial is None


@pytest.mark.parametrize("cause", [Unreachable("gone"), TimedOut("late", phase="idle", seconds=1)])
def test_a_failure_before_the_first_event_is_itself_and_after_it_a_broken_stream(cause: Exception) -> None:
    assert stream(b"  ", cause) == [cause]
    *letters, error = stream(b" a", cause)
    assert letters == ["a"]
    assert isinstance(error, StreamBroken)
    assert error.__cause__ is cause
    assert str(cause) in error.message


@dataclass
class Slow(FakeRuntime):
    """Each look at the clock finds it a second later."""

    def now(self) -> float:
        self.clock += 1
        return self.clock


def test_pieces_without_events_do_not_count_as_the_first_token() -> None:
    """AT-C7: for any runtime, also one whose sockets saw bytes."""
    runtime = Slow(answers=[[b" "] * 20])
    error = stream(runtime=runtime, timeouts=Timeouts(first_token=5))[-1]
    assert isinstance(error, TimedOut)
    assert (error.phase, error.seconds) == ("first_token", 5)
    assert len(stream(runtime=Slow(answers=[[b" "] * 20 + [b"a."]]), timeouts=Timeouts(first_token=None))) == 2


def test_the_runtime_is_told_when_the_answer_has_begun() -> None:
    runtime = FakeRuntime(answers=[[b"  ", b"a."]])
    stream(runtime=runtime)
    assert runtime.streams[0].started


@dataclass
class Headed(Letters):
    """Takes the answer's headers for the beginning of what it has seen."""

    def opened(self, headers: Headers) -> None:
        assert not self.seen
        self.seen = headers["x-served-by"]


class HeadedEndpoint(Endpoint):
    def decoder(self) -> Letters:
        return Headed()


def test_a_decoder_that_asks_for_them_is_told_the_headers_before_the_first_piece() -> None:
    runtime = FakeRuntime(answers=[HttpResponse(200, Headers({"x-served-by": "groq"}), b"a.")])
    events = list(iterate(HttpModel(HeadedEndpoint()).stream(Request(), runtime)))
    assert events[-1].response.provider_metadata == {"seen": "groqa."}


def test_a_slip_over_the_headers_is_an_answer_not_understood() -> None:
    runtime = FakeRuntime(answers=[HttpResponse(200, Headers(), b"a.")])
    with pytest.raises(AnswerError, match="x-served-by"):
        list(iterate(HttpModel(HeadedEndpoint()).stream(Request(), runtime)))
    assert runtime.streams[0].closed


def test_a_stream_left_early_is_closed_in_both_manners() -> None:
    runtime = FakeRuntime(answers=[[b"a", b"b."], [b"a", b"b."]])
    model = HttpModel(Endpoint())
    events = iterate(model.stream(Request(), runtime))
    assert next(events) == "a"
    events.close()

    async def leave() -> None:
        events = model.stream(Request(), runtime)
        assert await anext(events) == "a"
        await events.aclose()

    asyncio.run(leave())
    assert [opened.closed for opened in runtime.streams] == [True, True]


@dataclass
class Slowly:
    """A secret that has to be fetched."""

    fetched: int = 0

    @property
    def loaded(self) -> bool:
        return self.fetched > 0

    def load(self, timeout: float | None = None) -> None:
        self.fetched += 1

    def reveal(self) -> str:
        return "sk-slow"


def test_a_key_is_fetched_once_and_beside_the_loop() -> None:
    key = Slowly()

    @dataclass(frozen=True)
    class Keyed(Endpoint):
        def build(self, request: Request, *, stream: bool) -> HttpRequest:
            return HttpRequest("POST", "http://x", {"authorization": key})

    model = HttpModel(Keyed())
    runtime = FakeRuntime(answers=[HttpResponse(200), HttpResponse(200)])
    for _ in range(2):
        drive(model.call(Request(), runtime))
    assert key.fetched == 1


@dataclass(frozen=True)
class Unwritable(Endpoint):
    """Fails to build, and says its key in doing so."""

    key: Plain = field(default_factory=lambda: Plain("sk-unwritable-key"))
    failure: Callable[[str], Exception] = ValueError

    def build(self, request: Request, *, stream: bool) -> HttpRequest:
        raise self.failure(self.key.reveal())


@pytest.mark.parametrize("failure", [ValueError, TypeError, Unsupported])
def test_whatever_build_raises_is_ours_and_shows_no_key(failure: Callable[[str], Exception]) -> None:
    model = HttpModel(Unwritable(failure=failure))
    with pytest.raises(RequestError) as caught:
        drive(model.call(Request(), FakeRuntime()))
    assert isinstance(caught.value, InvalidRequest if failure is not Unsupported else Unsupported)
    assert "sk-unwr" not in "".join(traceback.format_exception(caught.value))


def test_an_innocent_failure_of_build_keeps_its_cause() -> None:
    model = HttpModel(Unwritable(failure=lambda _: TypeError("Decimal is not JSON serializable")))
    with pytest.raises(InvalidRequest, match=r"parley:small.*Decimal") as caught:
        drive(model.call(Request(), FakeRuntime()))
    assert isinstance(caught.value.__cause__, TypeError)
