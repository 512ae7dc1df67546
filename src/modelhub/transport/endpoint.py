"""An endpoint says how a request becomes HTTP and HTTP an answer; ``HttpModel`` makes a model of any of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar, cast

from modelhub.errors import ModelhubError
from modelhub.http import HttpRequest, HttpResponse
from modelhub.model import Attempt, Finished, ModelCard, Request, Response, Runtime, Timing
from modelhub.transport.keys import refused, with_keys
from modelhub.transport.reading import Decoder, FirstToken, Reading
from modelhub.transport.redaction import redacted_response, unspoken
from modelhub.transport.understanding import understood, written

__all__ = ["Decoder", "Endpoint", "HttpModel"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")
RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", bound=Response, covariant=True)
EventT_co = TypeVar("EventT_co", covariant=True)


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


@dataclass(frozen=True, repr=False, eq=False)
class HttpModel(Generic[RequestT, ResponseT, EventT]):
    """The model behind an endpoint.

    It sends what ``build`` gives and raises what ``fault`` says where the status is not 2xx. An exception that ``build`` did
    not mean to raise becomes ``InvalidRequest``; one of ``parse`` or the decoder (a missing field, say) ``AnswerError``. A key
    that the provider refuses is fetched anew before the next call; nothing is sent twice. No error shows a key of the request,
    even where the server repeated it. A stream that fails after its first event raises ``StreamBroken`` with what had come.
    """

    endpoint: Endpoint[RequestT, ResponseT, EventT]

    @property
    def card(self) -> ModelCard:
        return self.endpoint.card

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        started = runtime.now()
        outgoing, timeouts = await with_keys(self._built(request, stream=False), runtime, request.timeouts, started)
        response = await runtime.send(outgoing, timeouts)
        if not 200 <= response.status < 300:
            raise self._fault(response, outgoing)
        answer = understood(lambda: self.endpoint.parse(response), outgoing, lambda: response.body)
        return self._signed(answer, Timing(total=runtime.now() - started))

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        started = runtime.now()
        outgoing, timeouts = await with_keys(self._built(request, stream=True), runtime, request.timeouts, started)
        incoming = await runtime.open(outgoing, timeouts)
        try:
            if not 200 <= incoming.status < 300:
                raise self._fault(HttpResponse(incoming.status, incoming.headers, await incoming.read()), outgoing)
            first_token = FirstToken(incoming, request.timeouts.first_token, runtime.now, started)
            reading = Reading(self.endpoint.decoder(), outgoing, incoming, first_token)
            while reading.goes_on:
                await reading.advance()
                for event in reading.events():
                    yield self._timed(event, first_token)
        finally:
            await incoming.aclose()

    def __repr__(self) -> str:
        return f"HttpModel({self.card.model!r})"

    def _built(self, request: RequestT, *, stream: bool) -> HttpRequest:
        return written(lambda: self.endpoint.build(request, stream=stream), self.endpoint, self.card.model)

    def _fault(self, response: HttpResponse, outgoing: HttpRequest) -> ModelhubError:
        redacted = redacted_response(response, outgoing)
        error: ModelhubError = understood(lambda: self.endpoint.fault(redacted), outgoing, lambda: redacted.body)
        refused(error, outgoing)
        return unspoken(error, outgoing)

    def _timed(self, event: EventT, first_token: FirstToken) -> EventT:
        if not isinstance(event, Finished):
            return event
        return cast("EventT", replace(event, response=self._signed(event.response, first_token.timing())))

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
