"""A model at whichever of the router's providers serves it: found out at the first call, and again after a while."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from modelhub.plugin import ModelCard, Request, Response, Runtime, UnknownModel
from modelhub_huggingface.router.choosing import choose
from modelhub_huggingface.router.finding import Finding
from modelhub_huggingface.router.haste import hurried
from modelhub_huggingface.router.mapping import Mapped
from modelhub_huggingface.router.place import Place
from modelhub_huggingface.router.seats import Seat, seat

__all__ = ["Routed"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


@dataclass(frozen=True, eq=False)
class Routed(Generic[RequestT, ResponseT, EventT]):
    """The hub is asked once who serves the model; the answer holds for ten minutes, or until its provider no longer knows it.

    ``tasks`` tells which tasks may answer a request. What nobody serves raises ``Unsupported`` before anything is paid for.
    """

    card: ModelCard
    place: Place
    tasks: Callable[[RequestT], Sequence[str]]
    finding: Finding = field(init=False, repr=False)
    _seats: dict[tuple[str, ...], tuple[Mapped, Seat]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "finding", Finding(self.place))

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        started = runtime.now()
        found = await self._seat(request, runtime)
        before = runtime.now() - started
        try:
            response: ResponseT = await found.model.call(hurried(request, before), runtime)
        except UnknownModel:
            self.finding.forget()
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
            self.finding.forget()
            raise

    async def _seat(self, request: RequestT, runtime: Runtime) -> Seat:
        """Who answers a request: chosen anew where the hub says something new."""
        told, tasks = await self.finding.mapped(request.timeouts, runtime), tuple(self.tasks(request))
        chosen = self._seats.get(tasks)
        if chosen is None or chosen[0] is not told:
            choice = choose(told, tasks, self.place.wanted, self.card.model)
            chosen = self._seats[tasks] = (told, seat(choice, self.place, self.card))
        return chosen[1]
