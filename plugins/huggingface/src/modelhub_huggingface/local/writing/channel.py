"""What one thread tells another, who waits for it in whichever runtime: neither polls, and nothing is lost."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Channel"]

T = TypeVar("T")


class Channel(Generic[T]):
    """``put`` is called by whoever computes, ``come`` by the one who reads: it gives all that has come since, or will come."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._items: list[T] = []
        self._waiting: Future[list[T]] | None = None

    def put(self, item: T) -> None:
        """Tell this. A reader who waits no longer leaves it to the next wait."""
        with self._lock:
            self._items.append(item)
            waiting, self._waiting = self._waiting, None
            if waiting is None or not waiting.set_running_or_notify_cancel():
                return
            items, self._items = self._items, []
        waiting.set_result(items)

    def come(self) -> Future[list[T]]:
        """What has not been read yet: one thing at least, so that it may have to be waited for."""
        future: Future[list[T]] = Future()
        with self._lock:
            if not self._items:
                self._waiting = future
                return future
            items, self._items = self._items, []
        future.set_result(items)
        return future
