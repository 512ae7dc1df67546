"""Engines that are loaded once, shared, and counted."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from modelhub.errors import RateLimited
from modelhub.model import Runtime

__all__ = ["Engine", "EnginePool", "Plan", "engines"]


class Engine(Protocol):
    """Something loaded, that takes memory until it is closed."""

    def close(self) -> None:
        """Give back what it holds. Called once, when nobody uses it."""


EngineT = TypeVar("EngineT", bound=Engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[EngineT]):
    """What is to be loaded, and on which terms. Two plans with one ``key`` share one engine."""

    key: Hashable
    name: str
    """For messages: ``llama:./qwen.gguf``."""
    load: Callable[[], EngineT]
    """Takes as long as it takes; is called in a thread."""
    places: int
    """How many may use it, or wait for their turn, at once."""


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: Engine | None = None
    users: int = 0


class EnginePool:
    """The engines of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    @asynccontextmanager
    async def lease(self, plan: Plan[EngineT], runtime: Runtime) -> AsyncIterator[EngineT]:
        """The engine of that plan, loaded if need be, and kept as long as the context lasts.

        Raises ``RateLimited`` where all places are taken, and what ``load`` raises.
        """
        entry = self._entered(plan)
        try:
            yield entry.engine or await runtime.in_thread(_loaded, entry, plan)  # type: ignore[misc]  # the plan's own kind
        finally:
            with self._lock:
                entry.users -= 1

    def _entered(self, plan: Plan[EngineT]) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(plan.key, _Entry())
            if entry.users >= plan.places:
                raise RateLimited(f"{plan.name} has {entry.users} requests already: no place is left. Ask again later.")
            entry.users += 1
            return entry


def _loaded(entry: _Entry, plan: Plan[EngineT]) -> Engine:
    with entry.lock:
        if entry.engine is None:
            entry.engine = plan.load()
        return entry.engine


_POOL = EnginePool()


def engines() -> EnginePool:
    """The one pool of this process."""
    return _POOL
