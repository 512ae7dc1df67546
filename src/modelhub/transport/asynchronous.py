"""The runtime of asyncio: one object serves any number of event loops, one after another or side by side."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from modelhub.http import HttpRequest, HttpResponse, headers
from modelhub.transport.clock import Clock
from modelhub.transport.failures import raise_alone
from modelhub.transport.loop_pools import LoopPools

if TYPE_CHECKING:
    from concurrent.futures import Future

    from modelhub.errors import ModelhubError
    from modelhub.http import HttpStream
    from modelhub.model import Timeouts
    from modelhub.transport.async_connection import AsyncAnswer

__all__ = ["AsyncRuntime"]

T = TypeVar("T")


class Closeable(Protocol):
    """What is closed with a runtime."""

    async def aclose(self) -> None:
        """Let go of all that it holds."""


class AsyncRuntime:
    """Sends and waits in whichever event loop calls. Each loop has connections of its own, closed when that loop shuts down.

    Idle connections are kept for ``keepalive`` seconds; at most ``max_connections`` are in use at once in a loop. ``aclose``
    closes what is open, and the runtime may be used again afterwards. It works after a fork, in the child's own loop.
    """

    def __init__(self, *, max_connections: int = 1000, keepalive: float = 15.0) -> None:
        self._max_connections = max_connections
        self._keepalive = keepalive
        self._lock = threading.Lock()
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopPools] = weakref.WeakKeyDictionary()
        self._streams: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakSet[Closeable]] = (
            weakref.WeakKeyDictionary()
        )
        weakref.finalize(self, _released, self._loops).atexit = False
        _alive.add(self)

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """One exchange, read whole. Redirects are not followed."""
        clock = Clock(timeouts, streaming=False)
        answer = await self._answer(request, clock)
        try:
            return HttpResponse(answer.status, headers(answer.fields), await _guarded(answer.read(), request, clock))
        finally:
            await answer.aclose()

    async def open(self, request: HttpRequest, timeouts: Timeouts) -> HttpStream:
        """One exchange whose body is read as it comes."""
        clock = Clock(timeouts, streaming=True)
        return _Stream(await self._answer(request, clock), request, clock)

    async def sleep(self, seconds: float) -> None:
        """Let time pass; other tasks go on."""
        await asyncio.sleep(seconds)

    async def gather(self, *calls: Callable[[], Awaitable[T]]) -> list[T]:
        """Run the calls as tasks. When all have ended, the first error, in the order of the calls, is raised.

        Whoever is cancelled while it waits here cancels them all.
        """
        outcomes = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
        results: list[T] = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            results.append(outcome)
        return results

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Run the function in a worker thread, in the caller's context."""
        return await asyncio.to_thread(function, *arguments)

    async def wait(self, future: Future[T], seconds: float | None = None) -> T:
        """What the future comes to; other tasks go on."""
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(future)

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def keep(self, stream: Closeable) -> None:
        """Close the stream with this runtime, if it is still there: it was begun in the loop that runs now."""
        with self._lock:
            self._streams.setdefault(asyncio.get_running_loop(), weakref.WeakSet()).add(stream)

    async def aclose(self) -> None:
        """Close all streams of this loop, and all connections: this loop's at once, those of others as soon as they run."""
        here = asyncio.get_running_loop()
        with self._lock:
            left = list(self._streams.pop(here, ()))
        for stream in left:
            with suppress(Exception):  # one that somebody reads now; it ends with its connection
                await stream.aclose()
        with self._lock:
            entries = list(self._loops.items())
            self._loops.clear()
        for loop, pools in entries:
            if loop is here:
                await pools.aclose()
            elif loop.is_running():
                loop.call_soon_threadsafe(pools.close_soon)

    async def _answer(self, request: HttpRequest, clock: Clock) -> AsyncAnswer:
        loop = asyncio.get_running_loop()
        pools = self._loops.get(loop)
        pool = pools.ready if pools is not None else None
        if pool is None:
            pool = await (pools or await self._pools(loop)).pool()

        from modelhub.transport.outgoing import outgoing

        try:
            answer = await pool.send(outgoing(request, clock))
        except _failures() as error:
            failure = [_translated(error, request, clock)]
        else:
            clock.answered(answer.status)
            return answer
        return raise_alone(failure)

    async def _pools(self, loop: asyncio.AbstractEventLoop) -> LoopPools:
        pools = LoopPools(loop, self._max_connections, self._keepalive)
        with self._lock:
            self._loops[loop] = pools
        await pools.stand_guard()
        return pools

    def _abandon(self) -> None:
        """In a forked child: leave the parent's loops alone. What belongs to them goes on standing, so nothing is finalized."""
        self._loops.clear()
        self._streams.clear()
        self._lock = threading.Lock()


class _Stream:
    """A response that is still coming."""

    def __init__(self, answer: AsyncAnswer, request: HttpRequest, clock: Clock) -> None:
        self.status = answer.status
        self.headers = headers(answer.fields)
        self._answer = answer
        self._request = request
        self._clock = clock

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await _guarded(self._answer.piece(), self._request, self._clock)
        if not piece:
            raise StopAsyncIteration
        return piece

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self])

    def begun(self) -> None:
        self._clock.begun()

    def done(self) -> None:
        self._clock.done()

    async def aclose(self) -> None:
        await self._answer.aclose()


def _released(loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopPools]) -> None:
    """A runtime is gone: its loops close what it leaves behind."""
    for pools in list(loops.values()):
        if pools.loop.is_running():
            pools.loop.call_soon_threadsafe(pools.close_soon)


async def _guarded(step: Awaitable[T], request: HttpRequest, clock: Clock) -> T:
    """The step's result, or an error of ours that has none of the library's behind it."""
    try:
        return await step
    except _failures() as error:
        failure = [_translated(error, request, clock)]
    return raise_alone(failure)


def _failures() -> tuple[type[Exception], ...]:
    """Asked where something has gone wrong, and not before."""
    from modelhub.transport.wire import FAILURES

    return FAILURES


def _translated(error: Exception, request: HttpRequest, clock: Clock) -> ModelhubError:
    from modelhub.transport.wire import translated

    return translated(error, request, clock)


_alive: weakref.WeakSet[AsyncRuntime] = weakref.WeakSet()


def _after_fork() -> None:
    for runtime in list(_alive):
        runtime._abandon()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
