"""An endpoint says how a request becomes HTTP and HTTP an answer; ``HttpModel`` makes a model of any of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from modelhub.errors import AnswerError, ModelhubError, StreamBroken, TimedOut, TransportError
from modelhub.http import HttpRequest, HttpResponse, HttpStream
from modelhub.model import Attempt, Finished, ModelCard, Request, Response, Runtime, Timing
from modelhub.transport.redaction import redacted_response, unspoken

__all__ = ["Decoder", "Endpoint", "HttpModel"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")
RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", bound=Response, covariant=True)
EventT_co = TypeVar("EventT_co", covariant=True)
_NO_MORE: Any = object()


class Decoder(Protocol[EventT_co]):
    """Turns the pieces of one streamed body into events. Its state is one stream's; pieces may be cut anywhere.

    Give ``Finished`` from ``close`` rather than from ``feed``: a body that is read to its end leaves its connection usable.
    """

    def feed(self, data: bytes) -> Iterable[EventT_co]:
        """The events that these bytes complete. Raises ``ModelhubError`` where the provider reports one."""

    def close(self) -> Iterable[EventT_co]:
        """The body has ended: the events still owed, ``Finished`` last. Raises ``StreamBroken`` where the end is missing."""

    def partial(self) -> Response:
        """The response made of what has come so far."""


class Endpoint(Protocol[RequestT_contra, ResponseT_co, EventT_co]):
    """How one operation of one provider looks on the wire. Pure: no I/O, no clock, no state."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model behind it."""

    def build(self, request: RequestT_contra, *, stream: bool) -> HttpRequest:
        """The request as HTTP. Raises ``Unsupported`` or ``InvalidRequest``."""

    def parse(self, response: HttpResponse) -> ResponseT_co:
        """A successful answer, read. Raises ``AnswerError``."""

    def decoder(self) -> Decoder[EventT_co]:
        """A fresh decoder for one stream."""

    def fault(self, response: HttpResponse) -> ModelhubError:
        """The error that an unsuccessful answer means."""


@dataclass(frozen=True)
class HttpModel(Generic[RequestT, ResponseT, EventT]):
    """The model behind an endpoint.

    It sends what ``build`` gives and raises what ``fault`` says where the status is not 2xx. An exception that ``parse`` or the
    decoder did not mean to raise (a missing field, say) becomes ``AnswerError``. No error shows a key of the request, even
    where the server repeated it. A stream that fails after its first event raises ``StreamBroken`` with what had come.
    """

    endpoint: Endpoint[RequestT, ResponseT, EventT]

    @property
    def card(self) -> ModelCard:
        return self.endpoint.card

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        started = runtime.now()
        outgoing = self.endpoint.build(request, stream=False)
        await _load_keys(outgoing, runtime)
        response = await runtime.send(outgoing, request.timeouts)
        if not 200 <= response.status < 300:
            raise self._fault(response, outgoing)
        answer = _understood(lambda: self.endpoint.parse(response), outgoing, lambda: response.body)
        return self._signed(answer, Timing(total=runtime.now() - started))

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        started = runtime.now()
        outgoing = self.endpoint.build(request, stream=True)
        await _load_keys(outgoing, runtime)
        incoming = await runtime.open(outgoing, request.timeouts)
        try:
            if not 200 <= incoming.status < 300:
                raise self._fault(HttpResponse(incoming.status, incoming.headers, await incoming.read()), outgoing)
            reading = _Reading(self.endpoint.decoder(), outgoing, incoming, request, runtime, started)
            while reading.goes_on:
                await reading.advance()
                for event in reading.events():
                    yield self._timed(event, reading)
        finally:
            await incoming.aclose()

    def _fault(self, response: HttpResponse, outgoing: HttpRequest) -> ModelhubError:
        redacted = redacted_response(response, outgoing)
        return unspoken(_understood(lambda: self.endpoint.fault(redacted), outgoing, lambda: redacted.body), outgoing)

    def _timed(self, event: EventT, reading: _Reading[EventT]) -> EventT:
        if not isinstance(event, Finished):
            return event
        return cast("EventT", replace(event, response=self._signed(event.response, reading.timing())))

    def _signed(self, answer: ResponseT, timing: Timing) -> ResponseT:
        """The answer with what only the path knows, and the model's names where the provider gave none."""
        provider, _, model = self.card.model.partition(":")
        return replace(
            answer,
            model=answer.model or model,
            provider=answer.provider or provider,
            attempts=answer.attempts or (Attempt(self.card.model),),
            timing=timing,
        )


class _Reading(Generic[EventT]):
    """One stream as it is read: what has been decoded, and whether it ended as it should."""

    def __init__(
        self,
        decoder: Decoder[EventT],
        outgoing: HttpRequest,
        incoming: HttpStream,
        request: Request,
        runtime: Runtime,
        started: float,
    ) -> None:
        self.goes_on = True
        self._decoder = decoder
        self._outgoing = outgoing
        self._incoming = incoming
        self._pieces = incoming.chunks()
        self._piece: bytes | None = None
        self._timeouts = request.timeouts
        self._now = runtime.now
        self._started = started
        self._first_token: float | None = None

    def timing(self) -> Timing:
        return Timing(first_token=self._first_token, total=self._now() - self._started)

    async def advance(self) -> None:
        """Wait for the next bytes of the body. They stay out of local variables: a server may repeat a key in them."""
        try:
            self._piece = await anext(self._pieces, None)
        except TransportError as error:
            if self._first_token is None:
                raise
            raise self._broken(f"The stream broke off: {error.message}") from error

    def events(self) -> Iterator[EventT]:
        """The events that these bytes complete. Raises ``StreamBroken`` at an end that is none."""
        decoded = self._understood(
            lambda: iter(self._decoder.close() if self._piece is None else self._decoder.feed(self._piece))
        )
        while self.goes_on and (event := self._understood(lambda: next(decoded, _NO_MORE))) is not _NO_MORE:
            self._begin()
            self.goes_on = not isinstance(event, Finished)
            yield event
        if self.goes_on and self._piece is None:
            raise self._broken("The stream ended without saying that the answer is complete.")
        self._check_first_token()

    def _understood(self, read: Callable[[], Any]) -> Any:
        try:
            return _understood(read, self._outgoing, lambda: self._piece or b"")
        except StreamBroken as error:
            if error.partial is None:
                error.partial = self._partial()
            raise

    def _begin(self) -> None:
        if self._first_token is None:
            self._first_token = self._now() - self._started
            self._incoming.begun()

    def _check_first_token(self) -> None:
        """Keep-alive comments bring bytes, so that no socket times out, and no events."""
        limit = self._timeouts.first_token
        if self._first_token is None and limit is not None and self._now() - self._started > limit:
            message = f"Nothing of the answer came within {limit:g} s (the time-out `first_token`)."
            raise TimedOut(message, phase="first_token", seconds=limit)

    def _broken(self, message: str) -> StreamBroken:
        return StreamBroken(message, partial=self._partial())

    def _partial(self) -> Response | None:
        try:
            return self._decoder.partial()
        except Exception:  # noqa: BLE001  # what broke the stream matters more than a decoder that cannot say what had come
            return None


async def _load_keys(outgoing: HttpRequest, runtime: Runtime) -> None:
    for value in outgoing.headers.values():
        if not isinstance(value, str) and not value.loaded:
            await runtime.in_thread(value.load)


def _understood(read: Callable[[], Any], outgoing: HttpRequest, data: Callable[[], bytes]) -> Any:
    """What a plugin reads out of ``data()``. Whatever it raises comes out as a ``ModelhubError`` that shows no key."""
    try:
        return read()
    except ModelhubError as error:
        failure = unspoken(error, outgoing, data())
    except Exception as error:  # noqa: BLE001  # whatever a provider's answer makes of a plugin, the caller can catch it
        failure = AnswerError(f"The answer could not be understood ({type(error).__name__}: {error}).", head=data()[:200])
        failure.__cause__ = error
        failure = unspoken(failure, outgoing, data())
    try:
        raise failure
    finally:
        del failure  # or it would keep itself alive through its own traceback
