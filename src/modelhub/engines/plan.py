"""What is to be loaded into this process, and on which terms."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

__all__ = ["Engine", "EngineT", "Plan"]


class Engine(Protocol):
    """Something loaded, that takes memory until it is closed."""

    def close(self) -> None:
        """End what runs, and give back what is held. Called once, in a thread where it may wait; at exit also while in use."""

    def forget(self) -> None:
        """In a forked child, where none of its threads exist: see to it that nothing ever waits for them."""


EngineT = TypeVar("EngineT", bound=Engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[EngineT]):
    """What is to be loaded. Two plans with one ``key`` share one engine; in all else, the plan that was used last holds."""

    key: Hashable
    name: str
    """For messages: with its provider, as the application names it."""
    load: Callable[[], EngineT]
    """Takes as long as it takes; is called in a thread of its own, one load after another."""
    places: int
    """How many may use it, or wait for their turn, at once."""
    more_places: str = "Ask again later."
    """What to do when all places are taken: a sentence."""
    memory: int | None = None
    """Bytes that it needs; ``None`` is unknown, and then it is loaded without asking whether it fits."""
    less_memory: str = ""
    """What to do when it does not fit: a sentence."""
    memory_limit: int | None = None
    """Bytes that all engines may take together; ``None``: what the machine has free."""
    max_loaded: int | None = None
    """How many engines may be loaded beside each other, this one included."""
    keep_alive: float | None = 300.0
    """Seconds for which it stays loaded when nobody uses it; ``None``: until room is needed, or the program ends."""
