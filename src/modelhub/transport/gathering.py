"""Run blocking calls beside each other, on threads that belong to this one gathering."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar, cast

from modelhub.transport.drive import drive

__all__ = ["gathered"]

T = TypeVar("T")
_WORKERS = 32


def gathered(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results in the order of the calls; when all have ended, the first error in that order is raised.

    The calling thread works too, and the others are made for this gathering alone: however deep gatherings nest, none waits
    for a thread that another one holds.
    """
    outcomes = _Outcomes(calls)
    helpers = [outcomes.helper() for _ in range(min(len(calls), _WORKERS) - 1)]
    for helper in helpers:
        helper.start()
    outcomes.work()
    for helper in helpers:
        helper.join()
    return outcomes.results()


class _Outcomes(Generic[T]):
    """What each of the calls came to."""

    def __init__(self, calls: Sequence[Callable[[], Awaitable[T]]]) -> None:
        self._waiting = iter(list(enumerate(calls)))
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()
        self._results: dict[int, T] = {}
        self._errors: dict[int, Exception] = {}

    def helper(self) -> threading.Thread:
        """A thread that takes calls until none is left. It does not keep the interpreter from exiting."""
        return threading.Thread(target=self.work, name="modelhub-gather", daemon=True)

    def work(self) -> None:
        """Take calls until none is left."""
        while (taken := self._take()) is not None:
            self._settle(*taken)

    def _take(self) -> tuple[int, Callable[[], Awaitable[T]]] | None:
        with self._lock:
            return next(self._waiting, None)

    def _settle(self, index: int, call: Callable[[], Awaitable[T]]) -> None:
        try:
            self._results[index] = self._context.copy().run(lambda: drive(cast("Coroutine[Any, Any, T]", call())))
        except Exception as error:  # noqa: BLE001  # raised again in the caller's thread
            self._errors[index] = error

    def results(self) -> list[T]:
        """All results. Raises the first error."""
        if self._errors:
            raise self._errors[min(self._errors)]
        return [self._results[index] for index in sorted(self._results)]
