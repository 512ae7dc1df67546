"""Engines that are loaded once, shared, counted, and unloaded when nobody has used them for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any

from modelhub.engines.loaded import Loaded
from modelhub.engines.plan import EngineT, Plan
from modelhub.errors import RateLimited, TimedOut
from modelhub.model import Runtime, Timeouts

__all__ = ["EnginePool", "engines"]

_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02)
"""Seconds between two looks at a load; the last one again and again."""
_USUAL = Timeouts()


class EnginePool:
    """The engines of one process. ``available`` tells how many bytes the machine has free; ``None`` is unknown."""

    def __init__(self, available: Callable[[], int | None] | None = None) -> None:
        self._available = available
        self._entries: dict[Hashable, Loaded] = {}
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._moving = threading.Lock()
        """Held by whoever loads or unloads: one at a time, so that memory is counted once."""
        self._janitor: threading.Thread | None = None
        self._janitor_wakes = 0.0
        self._closing = False

    @asynccontextmanager
    async def lease(self, plan: Plan[EngineT], runtime: Runtime, timeouts: Timeouts = _USUAL) -> AsyncIterator[EngineT]:
        """The engine of that plan, loaded if need be, and kept as long as the context lasts.

        Raises ``RateLimited`` where all places are taken, ``NotEnoughMemory``, what ``load`` raises, and ``TimedOut`` where it
        is not loaded when ``first_token`` or ``total`` have passed; the load goes on, for whoever asks next.
        """
        entry = self._entered(plan)
        try:
            engine: Any = entry.engine
            yield await self._waited(entry, runtime, timeouts) if engine is None else engine
        finally:
            self._left(entry)

    def names(self) -> tuple[str, ...]:
        """What is loaded now, or being loaded."""
        with self._lock:
            return tuple(entry.plan.name for entry in self._entries.values())

    def close(self) -> None:
        """Unload everything, used or not, when what is being loaded is there. The pool may be used again afterwards."""
        with self._lock:
            entries = list(self._entries.values())
        for entry in entries:
            entry.wait()
        for entry in entries:
            self._unload(entry, used=True)

    def close_at_exit(self) -> None:
        """The program ends. A daemon thread that still reads is held from now on, as the interpreter is about to do anyway."""
        self._closing = True
        self.close()

    def forget(self) -> None:
        """In a forked child: what the parent has loaded is the parent's, and nothing here waits for its threads."""
        entries, self._entries = list(self._entries.values()), {}
        self._start()
        for entry in entries:
            if entry.engine is not None:
                entry.engine.forget()

    def _entered(self, plan: Plan[Any]) -> Loaded:
        with self._lock:
            entry = self._entries.get(plan.key)
            if entry is None:
                entry = Loaded(plan)
                threading.Thread(target=self._load, args=(entry,), name="modelhub-load", daemon=True).start()
                self._entries[plan.key] = entry
            elif entry.users >= plan.places:
                has = f"{entry.users} request{'' if entry.users == 1 else 's'}"
                message = f"{plan.name} has {has} already, as many as it takes at once. {plan.more_places}"
                provider, _, model = plan.name.partition(":")
                raise RateLimited(message, status=429, provider=provider, model=model)
            entry.plan = plan
            entry.users += 1
            return entry

    async def _waited(self, entry: Loaded, runtime: Runtime, timeouts: Timeouts) -> Any:
        """Look again and again: it costs nobody a thread, and whoever is cancelled leaves the load to the others."""
        started = runtime.now()
        pauses = iter(_PAUSES)
        while not entry.is_settled:
            _in_time(entry, runtime.now() - started, timeouts)
            await runtime.sleep(next(pauses, _PAUSES[-1]))
        if entry.error is not None:
            raise _anew(entry.error)
        return entry.engine

    def _load(self, entry: Loaded) -> None:
        try:
            with self._moving:
                self._make_room(entry)
                outcome: Any = entry.plan.load()
        except BaseException as error:  # noqa: BLE001  # told to each of those who wait
            outcome = error
        with self._lock:
            if isinstance(outcome, BaseException):
                self._entries.pop(entry.plan.key, None)
            entry.idle_since = time.monotonic()
            entry.settle(outcome)
            outcome = None
            if entry.is_idle:  # those who asked for it have left
                self._expect_end(entry)

    def _make_room(self, entry: Loaded) -> None:
        from modelhub.engines.memory import available
        from modelhub.engines.room import make_room

        def others() -> list[Loaded]:
            with self._lock:
                return [other for other in self._entries.values() if other.engine is not None]

        make_room(entry.plan, others, self._taken_out, self._available or available)

    def _left(self, entry: Loaded) -> None:
        if self._closing:  # the lock may be in the hand of a thread that is no more
            if _is_daemon():
                threading.Event().wait()
            return
        with self._lock:
            entry.users -= 1
            if not entry.users:
                entry.idle_since = time.monotonic()
                if entry.is_idle:
                    self._expect_end(entry)

    def _expect_end(self, entry: Loaded) -> None:
        """Nobody uses it any more: see to it that somebody is awake when its time is over."""
        if entry.ends_at is None or self._entries.get(entry.plan.key) is not entry:
            return
        if self._janitor is None:
            self._janitor = threading.Thread(target=self._keep_house, name="modelhub-janitor", daemon=True)
            self._janitor_wakes = 0.0
            try:
                self._janitor.start()
            except RuntimeError:  # the interpreter is about to end, which unloads everything
                self._janitor = None
        elif entry.ends_at < self._janitor_wakes:
            self._changed.notify()

    def _keep_house(self) -> None:
        """Unload what has been idle for long enough, as long as anything is loaded that nobody uses."""
        while True:
            with self._lock:
                ends = {entry: end for entry in self._entries.values() if entry.is_idle and (end := entry.ends_at) is not None}
                if not ends:
                    self._janitor = None
                    return
                now = time.monotonic()
                due = [entry for entry, end in ends.items() if end <= now]
                if not due:
                    self._janitor_wakes = min(ends.values())
                    self._changed.wait(self._janitor_wakes - now)
            for entry in due:
                self._unload(entry)

    def _unload(self, entry: Loaded, *, used: bool = False) -> None:
        with self._moving:
            self._taken_out(entry, used=used)

    def _taken_out(self, entry: Loaded, *, used: bool = False) -> bool:
        """Unload it, unless somebody has come meanwhile; whether it was unloaded.

        No entry keeps it: its memory is given back in this thread, not in one that may be stopped at the program's end.
        """
        with self._lock:
            engine = entry.engine
            if engine is None or self._entries.get(entry.plan.key) is not entry or (entry.users and not used):
                return False
            del self._entries[entry.plan.key]
            if not entry.users:
                entry.engine = None
            self._changed.notify()  # the janitor may have no more to do
        engine.close()
        return True


def _is_daemon() -> bool:
    """Whether this is a daemon thread, also asked when the main one has ended its part and has no name any more."""
    return threading.get_ident() != threading.main_thread().ident and threading.current_thread().daemon


def _in_time(entry: Loaded, passed: float, timeouts: Timeouts) -> None:
    """Raises ``TimedOut`` where the caller waits no longer; nothing was asked of the engine, so it may be asked again."""
    for phase, seconds in (("first_token", timeouts.first_token), ("total", timeouts.total)):
        if seconds is not None and passed >= seconds:
            message = f"{entry.plan.name} was not loaded within {seconds:g} s (the time-out `{phase}`); it goes on loading."
            error = TimedOut(message, phase=phase, seconds=seconds)
            error.retryable = True
            raise error


def _anew(error: BaseException) -> BaseException:
    """The same error for each of those who wait, with a traceback of its own that begins where the load failed."""
    from copy import copy

    try:
        one = copy(error)
    except Exception:  # noqa: BLE001  # a stranger's, that cannot be copied
        return error
    one.__cause__, one.__suppress_context__ = error.__cause__, error.__suppress_context__
    return one.with_traceback(error.__traceback__)


_POOLS: list[EnginePool] = []
_MAKING = threading.Lock()


def engines() -> EnginePool:
    """The one pool of this process."""
    return _POOLS[0] if _POOLS else _made()


def _made() -> EnginePool:
    import atexit
    import os

    with _MAKING:
        if not _POOLS:
            pool = EnginePool()
            atexit.register(pool.close_at_exit)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=pool.forget)
            _POOLS.append(pool)
    return _POOLS[0]
