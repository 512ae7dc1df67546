"""Run blocking calls beside each other, on threads that belong to this one gathering."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar, cast

from modelhub.transport.drive import drive
from modelhub.transport.stopping import Stop, current_stop

__all__ = ["gathered"]

T = TypeVar("T")
_WORKERS = 32


def gathered(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results in the order of the calls; when all have ended, the first error in that order is raised.

    The calling thread works too, and the others are made for this gathering alone: however deep gatherings nest, none waits
    for a thread that another one holds. Ctrl-C ends what the others wait for, and no further call is begun.
    """
    stop = current_stop() or Stop()
    outcomes = stop.heard_by(lambda: _Outcomes(calls))
    helpers = [outcomes.helper() for _ in range(min(len(calls), _WORKERS) - 1)]
    try:
        for helper in helpers:
            helper.start()
        outcomes.work()
        for helper in helpers:
            helper.join()
    except BaseException:
        outcomes.begin_no_more()
        stop.ask()
        raise
    return outcomes.results()


class _Outcomes(Generic[T]):
    """What each of the calls came to."""

    def __init__(self, calls: Sequence[Callable[[], Awaitable[T]]]) -> None:
        self._waiting = iter(list(enumerate(calls)))
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()
        self._results: dict[int, T] = {}
        self._errors: dict[int, BaseException] = {}
        self._caller = threading.current_thread()

    def helper(self) -> threading.Thread:
        """A thread that takes calls until none is left. It does not keep the interpreter from exiting."""
        return threading.Thread(target=self.work, name="modelhub-gather", daemon=True)

    def work(self) -> None:
        """Take calls until none is left."""
        while (taken := self._take()) is not None:
            self._settle(*taken)

    def begin_no_more(self) -> None:
        """Leave the calls that still wait for a thread."""
        with self._lock:
            self._waiting = iter(())

    def _take(self) -> tuple[int, Callable[[], Awaitable[T]]] | None:
        with self._lock:
            return next(self._waiting, None)

    def _settle(self, index: int, call: Callable[[], Awaitable[T]]) -> None:
        try:
            self._results[index] = self._context.copy().run(lambda: drive(cast("Coroutine[Any, Any, T]", call())))
        except Exception as error:  # noqa: BLE001  # raised again in the caller's thread
            self._errors[index] = error
        except BaseException as error:
            self._errors[index] = error
            self.begin_no_more()
            if threading.current_thread() is self._caller:
                raise

    def results(self) -> list[T]:
        """All results. Raises the first error."""
        if self._errors:
            raise self._errors[min(self._errors)]
        return [self._results[index] for index in sorted(self._results)]
