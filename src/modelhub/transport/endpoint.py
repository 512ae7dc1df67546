"""An endpoint says how a request becomes HTTP and HTTP an answer; ``HttpModel`` makes a model of any of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from modelhub.errors import ModelhubError, StreamBroken
from modelhub.http import HttpRequest, HttpResponse
from modelhub.model import Attempt, Finished, ModelCard, Request, Response, Runtime, Timeouts, Timing
from modelhub.transport.following import FollowUp, followed
from modelhub.transport.keys import refused, renewed, with_keys
from modelhub.transport.reading import Decoder, FirstToken, Reading
from modelhub.transport.redaction import redacted_response, unspoken
from modelhub.transport.understanding import understood, written

__all__ = ["Completer", "Decoder", "Endpoint", "FollowUp", "Follower", "HttpModel", "Learner"]

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


class Learner(Protocol):
    """What an endpoint may have beside: it learns from a refusal."""

    def learned(self, error: ModelhubError) -> Self | None:
        """The endpoint that does without what the provider refused (an unknown parameter, say); ``None``: nothing helps."""


class Follower(Protocol):
    """What an endpoint may have beside: its answer takes more than one exchange."""

    def follow(self, response: HttpResponse) -> FollowUp | None:
        """What to send next: a job's address to be asked again, say. ``None``: this is the answer."""


class Completer(Protocol):
    """What an endpoint may have beside: answers that the provider does not tell all of."""

    def completed(self, request: Any, response: Any) -> Any:
        """The response, whole or partial, with what only the request tells: an estimate of its tokens, a notice."""


@dataclass(frozen=True, repr=False, eq=False)
class HttpModel(Generic[RequestT, ResponseT, EventT]):
    """The model behind an endpoint.

    It sends what ``build`` gives and raises what ``fault`` says where the status is not 2xx. An exception that ``build`` did
    not mean to raise becomes ``InvalidRequest``; one of ``parse`` or the decoder (a missing field, say) ``AnswerError``. A key
    that the provider refuses is fetched anew before the next call; a token, which can be renewed, within this one. Nothing is
    sent twice but what was refused, which is no answer and costs nothing: once with a renewed token, and where the endpoint has
    ``learned`` from the refusal; what it learned holds for later calls too. No error shows a key of the request, even where
    the server repeated it. A stream that fails after its first event raises ``StreamBroken`` with what had come.
    """

    endpoint: Endpoint[RequestT, ResponseT, EventT]
    _lessons: list[Endpoint[RequestT, ResponseT, EventT]] = field(default_factory=list, init=False)

    @property
    def card(self) -> ModelCard:
        return self.endpoint.card

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        started = runtime.now()
        again = True
        while True:
            endpoint = self._taught
            outgoing, timeouts = await self._ready(endpoint, request, runtime, started, stream=False)
            response = await runtime.send(outgoing, timeouts)
            if 200 <= response.status < 300:
                break
            again = self._learn(endpoint, self._fault(endpoint, response, outgoing), outgoing, again=again)
        response = await followed(endpoint, response, outgoing, request.timeouts, runtime, started)
        answer = understood(lambda: _completed(endpoint, request, endpoint.parse(response)), outgoing, lambda: response.body)
        return self._signed(answer, Timing(total=runtime.now() - started))

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        started = runtime.now()
        again = True
        while True:
            endpoint = self._taught
            outgoing, timeouts = await self._ready(endpoint, request, runtime, started, stream=True)
            incoming = await runtime.open(outgoing, timeouts)
            try:
                if 200 <= incoming.status < 300:
                    first_token = FirstToken(incoming, request.timeouts.first_token, runtime.now, started)
                    reading = Reading(endpoint.decoder(), outgoing, incoming, first_token)
                    while reading.goes_on:
                        await reading.advance()
                        for event in reading.events():
                            yield event if reading.goes_on else self._finished(endpoint, request, event, first_token)
                    return
                refused = HttpResponse(incoming.status, incoming.headers, await incoming.read())
            except StreamBroken as error:
                if error.partial is not None:
                    error.partial = _completed(endpoint, request, error.partial)
                raise
            finally:
                await incoming.aclose()
            again = self._learn(endpoint, self._fault(endpoint, refused, outgoing), outgoing, again=again)

    def __repr__(self) -> str:
        return f"HttpModel({self.card.model!r})"

    @property
    def _taught(self) -> Endpoint[RequestT, ResponseT, EventT]:
        return self._lessons[-1] if self._lessons else self.endpoint

    async def _ready(
        self,
        endpoint: Endpoint[RequestT, ResponseT, EventT],
        request: RequestT,
        runtime: Runtime,
        started: float,
        *,
        stream: bool,
    ) -> tuple[HttpRequest, Timeouts]:
        built = written(lambda: endpoint.build(request, stream=stream), endpoint, self.card.model)
        return await with_keys(built, runtime, request.timeouts, started)

    def _fault(
        self, endpoint: Endpoint[RequestT, ResponseT, EventT], response: HttpResponse, outgoing: HttpRequest
    ) -> ModelhubError:
        redacted = redacted_response(response, outgoing)
        error: ModelhubError = understood(lambda: endpoint.fault(redacted), outgoing, lambda: redacted.body)
        refused(error, outgoing)
        return unspoken(error, outgoing)

    def _learn(
        self, endpoint: Endpoint[RequestT, ResponseT, EventT], error: ModelhubError, outgoing: HttpRequest, *, again: bool
    ) -> bool:
        """Take another endpoint from now on, or another token (where ``again`` allows it), or raise the error.

        An endpoint that learns for ever is held to a few lessons. Gives whether a token may still be renewed.
        """
        if again and renewed(error, outgoing):
            return False
        lesson = getattr(endpoint, "learned", None)
        better = lesson(error) if lesson is not None and len(self._lessons) < _LESSONS else None
        if endpoint is self._taught:
            if better is None:
                raise error
            self._lessons.append(better)
        return again

    def _finished(
        self, endpoint: Endpoint[RequestT, ResponseT, EventT], request: RequestT, event: Any, first_token: FirstToken
    ) -> EventT:
        response = self._signed(_completed(endpoint, request, event.response), first_token.timing())
        return cast("EventT", Finished(response))

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


_LESSONS = 8


def _completed(endpoint: object, request: Request, response: Any) -> Any:
    complete = getattr(endpoint, "completed", None)
    return response if complete is None else complete(request, response)
