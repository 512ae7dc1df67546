"""One at a time, in any runtime: a turn that threads and tasks wait for without an event loop's own lock."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from modelhub.model import Runtime

__all__ = ["Turn"]


@dataclass(slots=True, eq=False)
class Turn:
    """``async with turn.taken(runtime)``: whoever comes second waits until the first has left, cancelled or not.

    It serves threads, event loops and both at once. A process forked while a turn was taken starts with a free one.
    """

    pause: float = 0.005
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _process: int = field(default_factory=os.getpid, repr=False)

    @asynccontextmanager
    async def taken(self, runtime: Runtime) -> AsyncIterator[None]:
        if self._process != os.getpid():
            self._lock, self._process = threading.Lock(), os.getpid()
        lock = self._lock
        while not lock.acquire(blocking=False):
            await runtime.sleep(self.pause)
        try:
            yield
        finally:
            lock.release()
