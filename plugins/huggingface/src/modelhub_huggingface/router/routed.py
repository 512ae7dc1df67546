"""A model at whichever of the router's providers serves it: found out at the first call, and again after a while."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from modelhub.plugin import HttpModel, ModelCard, Request, Response, Runtime, UnknownModel
from modelhub_huggingface.router.choosing import choose
from modelhub_huggingface.router.mapping import Mapped, ProviderMapping
from modelhub_huggingface.router.place import Place
from modelhub_huggingface.router.seats import Seat, seat

__all__ = ["Routed", "hurried"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")

_FRESH = 600.0
"""Seconds for which it is taken for granted who serves a model."""


@dataclass(frozen=True, eq=False)
class Routed(Generic[RequestT, ResponseT, EventT]):
    """The hub is asked once who serves the model; the answer holds for ten minutes, or until its provider no longer knows it.

    ``tasks`` tells which tasks may answer a request. What nobody serves raises ``Unsupported`` before anything is paid for.
    """

    card: ModelCard
    place: Place
    tasks: Callable[[RequestT], Sequence[str]]
    _mapped: list[tuple[float, Mapped]] = field(default_factory=list, init=False, repr=False)
    _seats: dict[tuple[str, ...], Seat] = field(default_factory=dict, init=False, repr=False)

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        started = runtime.now()
        found = await self._seat(request, runtime)
        before = runtime.now() - started
        try:
            response: ResponseT = await found.model.call(hurried(request, before), runtime)
        except UnknownModel:
            self._mapped.clear()
            raise
        return found.told(response, before)

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        started = runtime.now()
        found = await self._seat(request, runtime)
        before = runtime.now() - started
        try:
            async with aclosing(found.model.stream(hurried(request, before), runtime)) as events:
                async for event in events:
                    yield found.finished(event, before)
        except UnknownModel:
            self._mapped.clear()
            raise

    async def mapped(self, request: Request, runtime: Runtime) -> Mapped:
        """What the hub says of the model: asked, or still known."""
        now = runtime.now()
        if self._mapped and 0 <= now - self._mapped[-1][0] < _FRESH:
            return self._mapped[-1][1]
        asked = Request(timeouts=request.timeouts)
        told = await HttpModel(ProviderMapping(self.place.hub, self.place.model)).call(asked, runtime)
        self._mapped[:] = [(now, told)]
        self._seats.clear()
        return told

    async def _seat(self, request: RequestT, runtime: Runtime) -> Seat:
        """Who answers a request."""
        told, tasks = await self.mapped(request, runtime), tuple(self.tasks(request))
        if tasks not in self._seats:
            choice = choose(told, tasks, self.place.wanted, self.card.model)
            self._seats[tasks] = seat(choice, self.place, self.card)
        return self._seats[tasks]


def hurried(request: RequestT, passed: float) -> RequestT:
    """The request with the time that is left for it."""
    total = request.timeouts.total
    if total is None or passed <= 0:
        return request
    return replace(request, timeouts=replace(request.timeouts, total=max(total - passed, 0.001)))
