"""Several calls beside each other, a few at a time; after the first that fails, no other is begun."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from modelhub.errors import ModelhubError
from modelhub.model import Runtime

__all__ = ["Outcomes", "in_lanes"]

T = TypeVar("T")


@dataclass
class Outcomes(Generic[T]):
    """What the calls came to, by their places. ``error`` is that of the earliest call that failed."""

    done: dict[int, T] = field(default_factory=dict)
    failed: dict[int, ModelhubError] = field(default_factory=dict)

    @property
    def error(self) -> ModelhubError | None:
        return self.failed[min(self.failed)] if self.failed else None


async def in_lanes(runtime: Runtime, calls: Sequence[Callable[[], Awaitable[T]]], lanes: int) -> Outcomes[T]:
    """What came of the calls, ``lanes`` of which were under way at any time."""
    outcomes: Outcomes[T] = Outcomes()
    waiting, lock = iter(range(len(calls))), threading.Lock()

    async def lane() -> None:
        while not outcomes.failed:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            try:
                outcomes.done[number] = await calls[number]()
            except ModelhubError as error:
                outcomes.failed[number] = error

    await runtime.gather(*[lane] * min(lanes, len(calls)))
    return outcomes
