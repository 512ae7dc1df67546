"""Who serves a model, asked of the hub once, however many want to know at the same time; and again after a while."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from typing import Never

from modelhub.plugin import HttpModel, Request, Runtime, TimedOut, Timeouts
from modelhub_huggingface.router.mapping import Mapped, ProviderMapping
from modelhub_huggingface.router.place import Place

__all__ = ["Finding"]

_FRESH = 600.0
"""Seconds for which it is taken for granted who serves a model."""


class Finding:
    """What is known of one model. Safe in any thread and on any loop; no lock is held while anything waits."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: tuple[float, Mapped] | None = None
        self._waiting: list[Future[None]] | None = None
        """Those who wait for the one who asks; ``None`` where nobody does."""
        self._lock = threading.Lock()
        self._process = os.getpid()

    async def mapped(self, timeouts: Timeouts, runtime: Runtime) -> Mapped:
        """What the hub says of the model. Raises what asking a server may raise."""
        started = runtime.now()
        while True:
            known = self._known
            if known is not None and 0 <= runtime.now() - known[0] < _FRESH:
                return known[1]
            turn = self._turn()
            if turn is None:
                return await self._asked(timeouts, runtime)
            left = None if timeouts.total is None else timeouts.total - (runtime.now() - started)
            await _settled(turn, left, timeouts, runtime)

    def forget(self) -> None:
        """Ask anew before the next call."""
        self._known = None

    def _turn(self) -> Future[None] | None:
        """Whether to ask (``None``), or what to wait for, since another does."""
        if self._process != os.getpid():  # in a forked child, the thread that asked is gone
            self._process, self._waiting, self._lock = os.getpid(), None, threading.Lock()
        with self._lock:
            if self._waiting is None:
                self._waiting = []
                return None
            turn: Future[None] = Future()
            self._waiting.append(turn)
            return turn

    async def _asked(self, timeouts: Timeouts, runtime: Runtime) -> Mapped:
        """The hub's answer. Whatever becomes of it, those who wait go on: if there is none, the next of them asks."""
        try:
            now, asked = runtime.now(), Request(timeouts=timeouts)
            told = await HttpModel(ProviderMapping(self._place.hub, self._place.model)).call(asked, runtime)
            self._known = (now, told)
            return told
        finally:
            with self._lock:
                waiting, self._waiting = self._waiting or [], None
            for turn in waiting:
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)


async def _settled(turn: Future[None], left: float | None, timeouts: Timeouts, runtime: Runtime) -> None:
    try:
        if left is None or left > 0:
            await runtime.wait(turn, left)
            return
    except TimeoutError:
        pass
    _late(timeouts.total or 0.0)


def _late(total: float) -> Never:
    message = f"Who serves the model was not known within {total:g} s (the time-out `total`)."
    raise TimedOut(message, phase="total", seconds=total)
