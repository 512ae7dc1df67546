"""Stop, from any thread, what another thread waits for in the blocking runtime."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["Stop", "current_stop"]

T = TypeVar("T")


class Stop:
    """A wish to stop: ``ask`` ends the waits that ``stoppable`` surrounds, now and later. Safe in any thread."""

    def __init__(self) -> None:
        self.asked = False
        self._lock = threading.Lock()
        self._waits: dict[int, Callable[[], None]] = {}

    def ask(self) -> None:
        """End all waits. None of them is ended after it is over, when its connection may serve somebody else."""
        with self._lock:
            self.asked = True
            for end in self._waits.values():
                end()

    @contextmanager
    def stoppable(self, end: Callable[[], None]) -> Iterator[None]:
        """A wait that ``end``, called in another thread, ends. It is called here where the wish came earlier."""
        with self._lock:
            self._waits[id(end)] = end
            if self.asked:
                end()
        try:
            yield
        finally:
            with self._lock:
                del self._waits[id(end)]

    def comes_within(self, seconds: float) -> bool:
        """Wait; whether the wish came before so many seconds had passed."""
        come = threading.Event()
        with self.stoppable(come.set):
            return come.wait(seconds)

    def heard_by(self, step: Callable[[], T]) -> T:
        """Run the step; what it begins to wait for in the blocking runtime, also in a gathering's threads, can be stopped."""
        token = _current.set(self)
        try:
            return step()
        finally:
            _current.reset(token)


def current_stop() -> Stop | None:
    """The one that the caller's step is run by."""
    return _current.get()


_current: ContextVar[Stop | None] = ContextVar("modelhub_stop", default=None)
