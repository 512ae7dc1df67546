"""Negotiation: what a model cannot do is said before it is asked, and what it will not heed comes back as a notice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from modelhub.errors import Unsupported
from modelhub.model import Finished, ModelCard, Notice, Request, Response, Runtime, Wrapper

__all__ = ["Negotiation", "negotiate"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


def negotiate(request: RequestT, card: ModelCard) -> tuple[RequestT, tuple[Notice, ...]]:
    """The request without the settings that the model does not honour, and a notice for each of them.

    Raises ``Unsupported`` where the card says that the model lacks what the request cannot do without.
    """
    for feature in sorted(request.needs()):
        if card.supports(feature) is False:
            message = f"{card.model} does not support {feature.replace('_', ' ')}. Choose another model for this request."
            raise Unsupported(message, feature=feature, model=card.model)
    if card.settings is None:
        return request, ()
    unheeded = sorted(request.settings().keys() - card.settings)
    notices = tuple(Notice(name, f"{card.model} does not honour {name!r}; it was left out.") for name in unheeded)
    return (request.without(unheeded) if unheeded else request), notices


class Negotiation(Wrapper[RequestT, ResponseT, EventT]):
    """Holds each request against the model's card."""

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        request, notices = negotiate(request, self.inner.card)
        return _noted(await self.inner.call(request, runtime), notices)

    def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        if _asks_for_nothing_special(request, self.inner.card):
            return self.inner.stream(request, runtime)
        return self._streamed(request, runtime)

    async def _streamed(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        request, notices = negotiate(request, self.inner.card)
        async with aclosing(self.inner.stream(request, runtime)) as events:
            async for event in events:
                yield _finished(event, notices) if notices and isinstance(event, Finished) else event


def _asks_for_nothing_special(request: Request, card: ModelCard) -> bool:
    """Whether there is nothing to negotiate, so that a stream needs nobody to watch over it."""
    return not request.needs() and (card.settings is None or request.settings().keys() <= card.settings)


def _noted(response: ResponseT, notices: tuple[Notice, ...]) -> ResponseT:
    return replace(response, notices=(*notices, *response.notices)) if notices else response


def _finished(event: Any, notices: tuple[Notice, ...]) -> Any:
    return Finished(_noted(event.response, notices))
