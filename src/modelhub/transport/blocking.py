"""The runtime that waits in the calling thread: its coroutines never suspend, so ``drive`` runs them without an event loop."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

from modelhub.errors import StreamBroken
from modelhub.http import HttpRequest, HttpResponse, headers
from modelhub.transport.clock import Clock
from modelhub.transport.failures import raise_alone
from modelhub.transport.stopping import current_stop

if TYPE_CHECKING:
    from concurrent.futures import Future

    from modelhub.errors import ModelhubError
    from modelhub.http import HttpStream
    from modelhub.model import Timeouts
    from modelhub.transport.connection import Answer
    from modelhub.transport.pool import Pool

__all__ = ["BlockingRuntime"]

T = TypeVar("T")


class BlockingRuntime:
    """Sends and waits in the thread that calls. May be shared by any number of threads, and used after a fork.

    Idle connections are kept for ``keepalive`` seconds; at most ``max_connections`` are in use at once, to all hosts together.
    Nothing is opened before the first request. ``close`` closes what is open, and the runtime may be used again afterwards.
    """

    def __init__(self, *, max_connections: int = 200, keepalive: float = 15.0) -> None:
        self._pools = _Pools(max_connections, keepalive)
        weakref.finalize(self, self._pools.close)
        _alive.add(self._pools)

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """One exchange, read whole. Redirects are not followed."""
        clock = Clock(timeouts, streaming=False, stop=current_stop())
        answer = self._answer(request, clock)
        try:
            return HttpResponse(answer.status, headers(answer.fields), _guarded(answer.read, request, clock))
        finally:
            answer.close()

    async def open(self, request: HttpRequest, timeouts: Timeouts) -> HttpStream:
        """One exchange whose body is read as it comes."""
        clock = Clock(timeouts, streaming=True, stop=current_stop())
        return _Stream(self._answer(request, clock), request, clock)

    async def sleep(self, seconds: float) -> None:
        """Let time pass. Ctrl-C ends it, and whoever closes the stream that waits here: ``StreamBroken``."""
        stop = current_stop()
        if stop is None:
            time.sleep(seconds)  # noqa: ASYNC251  # waiting in the calling thread is what this runtime is for
        elif stop.comes_within(seconds):
            raise StreamBroken("The stream was closed before it began.")

    async def gather(self, *calls: Callable[[], Awaitable[T]]) -> list[T]:
        """Run the calls on up to 32 threads of their own, the calling thread among them; each sees the caller's context.

        Results come in the order of the calls. When all have ended, the first error in that order is raised.
        """
        if len(calls) == 1:
            return [await calls[0]()]
        from modelhub.transport.gathering import gathered

        return gathered(calls)

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function here and now: nobody else is waiting for this thread."""
        return function(*arguments)

    async def wait(self, future: Future[T], seconds: float | None = None) -> T:
        """What the future comes to. Ctrl-C ends it, and whoever closes the stream that waits here: ``StreamBroken``."""
        settled, stop = threading.Event(), current_stop()
        future.add_done_callback(lambda _: settled.set())
        try:
            with nullcontext() if stop is None else stop.stoppable(settled.set):
                settled.wait(seconds)
            if not future.done():
                raise TimeoutError if stop is None or not stop.asked else StreamBroken("The stream was closed while it waited.")
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def close(self) -> None:
        """Close all connections."""
        self._pools.close()

    def _answer(self, request: HttpRequest, clock: Clock) -> Answer:
        from modelhub.transport.outgoing import outgoing

        pools = self._pools
        answer = _guarded(lambda: pools.pool().send(outgoing(request, clock)), request, clock)
        clock.answered(answer.status)
        return answer


class _Stream:
    """A response that is still coming."""

    def __init__(self, answer: Answer, request: HttpRequest, clock: Clock) -> None:
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
        piece = _guarded(self._answer.piece, self._request, self._clock)
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
        self._answer.close()


class _Pools:
    """The connections of one runtime."""

    def __init__(self, max_connections: int, keepalive: float) -> None:
        self._max_connections = max_connections
        self._keepalive = keepalive
        self._lock = threading.Lock()
        self._pool: Pool | None = None

    def pool(self) -> Pool:
        found = self._pool
        return self._made() if found is None else found

    def _made(self) -> Pool:
        from modelhub.transport.pool import Pool
        from modelhub.transport.shelf import Limits

        with self._lock:
            if self._pool is None:
                self._pool = Pool(Limits(self._max_connections, self._keepalive))
            return self._pool

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def abandon(self) -> None:
        """In a forked child: close its copies of the sockets, which leaves the parent's open."""
        pool, self._pool, self._lock = self._pool, None, threading.Lock()
        if pool is not None:
            pool.abandon()


def _guarded(step: Callable[[], T], request: HttpRequest, clock: Clock) -> T:
    """The step's result, or an error of ours that has none of the library's behind it."""
    try:
        return step()
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


_alive: weakref.WeakSet[_Pools] = weakref.WeakSet()


def _after_fork() -> None:
    for pools in list(_alive):
        pools.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
