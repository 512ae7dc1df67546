"""The laws of endpoints: what they write, what they read, and what they never show."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, ClassVar

from modelhub.errors import InvalidRequest, KeyRefused, ModelhubError, ProviderDown, RateLimited, UnknownModel, Unsupported
from modelhub.http import Headers, HttpRequest, HttpResponse, Secret
from modelhub.model import AnyModel, Request, Runtime, Wrapper
from modelhub.testing.conformance.model import ModelConformance
from modelhub.testing.driven import Driven, driven
from modelhub.testing.fake import FakeRuntime
from modelhub.testing.guard import guarded
from modelhub.testing.recording import Recording, differences, recordings
from modelhub.testing.sentinel import SENTINEL, Sentinel, spilled
from modelhub.transport.endpoint import Endpoint, HttpModel

__all__ = ["AnyEndpoint", "EndpointConformance"]

AnyEndpoint = Endpoint[Any, Any, Any]
Fault = tuple[int, str | Mapping[str, Any], type[ModelhubError]]
_FAULTS: tuple[tuple[int, type[ModelhubError]], ...] = (
    (401, KeyRefused),
    (404, UnknownModel),
    (429, RateLimited),
    (500, ProviderDown),
    (502, ProviderDown),
)
_BODIES = ('{"error": {"message": "拒否されました"}}', '{"error": "no"}', "", "<html><h1>Bad gateway</h1></html>", "[]", '"no"')


class EndpointConformance(ModelConformance):
    """Override ``endpoint`` (give it ``self.secret`` where it needs a key) and name the folder of its ``recordings``.

    ``faults`` are rows (status, body, exception class) of errors that this provider is known for.
    """

    recordings: ClassVar[str | os.PathLike[str] | Sequence[Recording]] = ()
    faults: ClassVar[Sequence[Fault]] = ()
    secret: ClassVar[Secret] = Sentinel()

    def endpoint(self) -> AnyEndpoint:
        """The endpoint under test."""
        raise AssertionError("Override endpoint(): give the endpoint that is tested, with self.secret as its key.")

    def asked(self, recording: Recording) -> Request:
        """The request that a recording answers."""
        return self.request()

    def wired(self) -> AnyModel:
        """The endpoint as a model that talks to the world."""
        return HttpModel(self.endpoint())

    def model(self) -> AnyModel:
        return Played(self.wired(), self.recorded()[0])

    def recorded(self) -> Sequence[Recording]:
        """The recordings, of which there is at least one."""
        given = self.recordings
        found = recordings(given) if isinstance(given, (str, os.PathLike)) else given
        assert found, "There is no recording: set `recordings` to a folder with NAME.response.json (and NAME.chunks.txt)."
        return found

    def test_build_writes_the_same_bytes_twice_and_opens_no_socket(self) -> None:
        with guarded("nowhere"):
            first = _wire(self.endpoint().build(self.request(), stream=False))
            second = _wire(self.endpoint().build(self.request(), stream=False))
        assert first == second, "build() wrote different bytes for the same request: no clock, no random numbers, no sets."

    def test_build_writes_the_recorded_request(self) -> None:
        for recording in self.recorded():
            if recording.request is not None:
                body = self.endpoint().build(self.asked(recording), stream=False).body
                wrong = differences(recording.request, json.loads(body or b"null"), "body")
                assert not wrong, f"build() does not write {recording.name}.request.json: {'; '.join(wrong)}."

    def test_parse_reads_what_was_recorded(self) -> None:
        for recording in self.recorded():
            if recording.response is not None:
                with guarded("nowhere"):
                    response = self.endpoint().parse(recording.whole())
                wrong = differences(recording.answer, response)
                assert not wrong, f"parse() misreads {recording.name}.response: {'; '.join(wrong)}."

    def test_words_reach_the_wire_unharmed(self) -> None:
        if "世界！" not in repr(self.request()):
            return
        body = self.endpoint().build(self.request(), stream=False).body or b""
        text = _readable(body)
        assert "世界！ 👩‍🚀 Ünïcödé" in text, f"The words of the request are not in the body as they are: {text[:300]!r}."

    def test_every_setting_and_capability_of_the_card_reaches_the_wire(self) -> None:
        bare, card = _wire(self.endpoint().build(self.request(), stream=False)), self.endpoint().card
        for setting in sorted(self.knobs.keys() & (card.settings or frozenset())):
            built = _wire(self.endpoint().build(self.having(setting), stream=False))
            assert built != bare, f"The card honours {setting!r}, and build() does not write it: write it or strike it off."
        for capability, request in self.needing().items():
            if card.supports(capability) and request != self.request():
                built = _wire(self.endpoint().build(request, stream=False))
                assert built != bare, f"The card promises {capability!r}, and build() does not write it."

    def test_nothing_is_dropped_in_silence(self, runtime: Driven) -> None:
        bare, card = _wire(self.endpoint().build(self.request(), stream=False)), self.endpoint().card
        unnamed = {
            word: request
            for word, request in self.needing().items()
            if card.supports(word) is None and request != self.request()
        }
        settings = {word: self.having(word) for word in self.knobs} if card.settings is None else {}
        for word, request in {**unnamed, **settings}.items():
            try:
                built = _wire(self.endpoint().build(request, stream=False))
            except (InvalidRequest, Unsupported):
                continue
            where = "settings" if word in settings else "capabilities"
            assert built != bare, f"build() drops {word!r} in silence: write it, or say on the card's {where} what is taken."

    def test_errors_are_told_apart_by_status_whatever_the_body(self) -> None:
        for status, expected in _FAULTS:
            for body in _BODIES:
                self._check_fault(status, body, expected)
        for status, given, expected in self.faults:
            self._check_fault(status, given if isinstance(given, str) else json.dumps(given), expected)

    def test_a_429_says_how_long_to_wait(self) -> None:
        error: Any = self._fault(HttpResponse(429, Headers({"retry-after": "7"}), b"{}"))
        assert getattr(error, "retry_after", None) == 7, f"{error!r} has no retry_after: read the header Retry-After."

    def test_the_key_is_shown_nowhere(self) -> None:
        built = self.endpoint().build(self.request(), stream=False)
        echo = HttpResponse(401, Headers(), json.dumps({"error": {"message": f"Wrong key {SENTINEL}."}}).encode())
        for what in (self.endpoint(), self.wired(), built, self._fault(echo)):
            assert not spilled(what), f"The key shows in {type(what).__name__}: keep it a Secret, and reveal it nowhere."
        plain = [name for name, value in built.headers.items() if isinstance(value, str) and SENTINEL in value]
        assert not plain, f"build() revealed the key into header {plain[0]!r}: give the Secret itself, e.g. Bearer(key)."
        assert SENTINEL not in built.url, "build() wrote the key into the address, which lands in logs: use a header."
        assert SENTINEL.encode() not in (built.body or b""), "build() wrote the key into the body: use a header."

    def _check_fault(self, status: int, body: str, expected: type[ModelhubError]) -> None:
        error = self._fault(HttpResponse(status, Headers({"content-type": "application/json"}), body.encode()))
        assert isinstance(error, expected), f"{status} with body {body!r} became {error!r}: make it {expected.__name__}."
        assert error.message, f"{status} with body {body!r} became an error without a message: say what to do."

    def _fault(self, response: HttpResponse) -> Exception | None:
        """The error that an application would see."""
        with driven("blocking", FakeRuntime(lambda _: response)) as runtime:
            try:
                runtime.call(self.wired(), self.request())
            except ModelhubError as error:
                return error
        return None


@dataclass(frozen=True)
class Played(Wrapper[Any, Any, Any]):
    """A model behind an endpoint, whose provider is a recording."""

    recording: Recording = field(repr=False)

    async def call(self, request: Request, runtime: Runtime) -> Any:
        return await self.inner.call(request, FakeRuntime([self.recording.whole()]))

    async def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:
        async with aclosing(self.inner.stream(request, FakeRuntime(lambda _: self.recording.streamed()))) as events:
            async for event in events:
                yield event


def _wire(request: HttpRequest) -> tuple[Any, ...]:
    headers = sorted((name.lower(), value if isinstance(value, str) else "") for name, value in request.headers.items())
    return request.method, request.url, headers, request.body


def _readable(body: bytes) -> str:
    """A JSON body without its escapes; any other as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return body.decode("utf-8", "replace")
