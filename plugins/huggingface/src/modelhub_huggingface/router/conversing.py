"""A chat model, as long as the router does not say that it is none, or that it is not ready."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from modelhub.plugin import (
    ModelCard,
    ModelhubError,
    ModelLoading,
    Runtime,
    TextEvent,
    TextModel,
    TextRequest,
    TextResponse,
    UnknownModel,
    Wrapper,
)
from modelhub_huggingface.router.begun import Begun
from modelhub_huggingface.router.choosing import CHAT, refused
from modelhub_huggingface.router.faults import NOT_SERVED
from modelhub_huggingface.router.haste import hurried
from modelhub_huggingface.waiting import ON_LOADING, Waiting

if TYPE_CHECKING:
    from modelhub_huggingface.router.mapping import Mapped
    from modelhub_huggingface.router.tasked import Routing

__all__ = ["Conversing"]


@dataclass(frozen=True, eq=False)
class Conversing:
    """Asks ``chat`` at once, with nothing around it. One that is cold is waited for from its refusal on.

    Where the router says that it is no chat model, the hub is asked what it is for, and what ``otherwise`` gives answers from
    then on; a model that nobody serves for text raises ``Unsupported``. Without ``otherwise`` it is a chat model, whatever is
    said.
    """

    chat: TextModel
    cold_start: float
    otherwise: Callable[[], Routing] | None = None
    _turned: list[Routing] = field(default_factory=list, init=False, repr=False)
    """What answers since the router has said that this is no chat model."""

    @property
    def card(self) -> ModelCard:
        return self.chat.card

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        started, model = runtime.now(), self._model(request)
        try:
            return await model.call(request, runtime)
        except (ModelLoading, UnknownModel) as error:
            failed = error
        model = await self._elsewhere(failed, model, request, runtime)
        return await model.call(hurried(request, runtime.now() - started), runtime)

    def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        model = self._model(request)
        return Begun(model.stream(request, runtime), partial(self._followed, model, request, runtime, runtime.now()))

    async def _followed(
        self, model: TextModel, request: TextRequest, runtime: Runtime, started: float, error: ModelhubError
    ) -> AsyncGenerator[TextEvent, None]:
        """What comes in the place of a stream that did not begin."""
        other = await self._elsewhere(error, model, request, runtime)
        async with aclosing(other.stream(hurried(request, runtime.now() - started), runtime)) as events:
            async for event in events:
                yield event

    def _model(self, request: TextRequest) -> TextModel:
        """Who is asked first. A request that wants to be told of a wait may have to wait."""
        if self._turned:
            return self._turned[-1]
        if request.extra and ON_LOADING in request.extra.get(self.card.model.partition(":")[0], ()):
            return Waiting(self.chat, self.cold_start)
        return self.chat

    async def _elsewhere(self, error: ModelhubError, model: TextModel, request: TextRequest, runtime: Runtime) -> TextModel:
        """Who is asked after this refusal. Raises it where nobody is."""
        if model is self.chat and isinstance(error, ModelLoading):
            return Waiting(_Refused(self.chat, [error]), self.cold_start)
        unserved = isinstance(error, UnknownModel) and error.code == NOT_SERVED
        if not unserved or self.otherwise is None or model in self._turned:
            raise error
        routed = self.otherwise()
        mapped = await _mapped(routed, error, request, runtime)
        if (refusal := refused(mapped, routed.tasks(request), routed.place.wanted, self.card.model)) is not None:
            if refusal.feature != CHAT:  # from now on it is refused before anything is sent
                self._turned.append(routed)
            raise refusal from error
        if not any(offer.task in routed.tasks(request) for offer in mapped.offers):
            raise error
        self._turned.append(routed)
        return routed


async def _mapped(routed: Routing, error: ModelhubError, request: TextRequest, runtime: Runtime) -> Mapped:
    """Who serves the model, and for what."""
    try:
        return await routed.finding.mapped(request.timeouts, runtime)
    except UnknownModel:
        raise
    except ModelhubError:
        raise error from None  # what the router said is all that is known


@dataclass(frozen=True, eq=False)
class _Refused(Wrapper[TextRequest, TextResponse[Any], TextEvent]):
    """A model that was asked once already, and how it refused: whoever waits for it begins with that."""

    errors: list[ModelLoading]

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        if self.errors:
            raise self.errors.pop()
        return await self.inner.call(request, runtime)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        if self.errors:
            raise self.errors.pop()
        async with aclosing(self.inner.stream(request, runtime)) as events:
            async for event in events:
                yield event
