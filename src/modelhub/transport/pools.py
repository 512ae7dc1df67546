"""Connections kept for the next request: taking one and giving it back costs the same however many there are.

The HTTP library's own pools look at every connection for every request, which at some hundred at a time is most of the work.
Both pools here stand in their place: ``handle_request`` and ``close``, and the same awaited.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpcore

from modelhub.transport.sockets import AsyncTimedBackend, TimedBackend

if TYPE_CHECKING:
    import ssl

__all__ = ["AsyncPool", "Limits", "Pool"]

ConnectionT = TypeVar("ConnectionT", httpcore.HTTPConnection, httpcore.AsyncHTTPConnection)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections are in use at once, to all hosts together, and how many seconds an idle one is kept."""

    max_connections: int
    keepalive: float


class _Shelf(Generic[ConnectionT]):
    """Idle connections by where they lead; the one last used is taken first, so that the others can grow old."""

    def __init__(self, most: int) -> None:
        self.every: set[ConnectionT] = set()
        self._most = most
        self._idle: defaultdict[httpcore.Origin, deque[ConnectionT]] = defaultdict(deque)
        self._count = 0

    def take(self, origin: httpcore.Origin) -> tuple[ConnectionT | None, list[ConnectionT]]:
        """A connection that can be used, if there is one, and those found too old or dead, which are to be closed."""
        idle = self._idle[_key(origin)]
        dead: list[ConnectionT] = []
        while idle:
            connection = idle.pop()
            if _usable(connection):
                self._forget(dead, 1)
                return connection, dead
            dead.append(connection)
        dead += [others.popleft() for others in self._idle.values() if others and not _usable(others[0])]
        self._forget(dead, 0)
        return None, dead

    def _forget(self, dead: list[ConnectionT], taken: int) -> None:
        self._count -= len(dead) + taken
        self.every.difference_update(dead)

    def give_back(self, origin: httpcore.Origin, connection: ConnectionT) -> bool:
        """Keep it where it can serve again. ``False``: it cannot, and is to be closed."""
        keep = connection in self.every and connection.is_idle() and not connection.is_closed() and self._count < self._most
        if keep:
            self._idle[_key(origin)].append(connection)
            self._count += 1
        else:
            self.every.discard(connection)
        return keep

    def clear(self) -> list[ConnectionT]:
        """Forget all, and give all."""
        every, self.every, self._count = list(self.every), set(), 0
        self._idle.clear()
        return every


def _usable(connection: httpcore.HTTPConnection | httpcore.AsyncHTTPConnection) -> bool:
    """Whether it is open, young enough, and the server has not closed it meanwhile."""
    return not (connection.is_closed() or connection.has_expired())


def _key(origin: httpcore.Origin) -> Any:
    return origin.scheme, origin.host, origin.port


class Pool:
    """Blocking connections, for any number of threads."""

    def __init__(self, context: ssl.SSLContext | None, limits: Limits) -> None:
        self._options: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": limits.keepalive}
        self._backend = TimedBackend()
        self._shelf: _Shelf[httpcore.HTTPConnection] = _Shelf(limits.max_connections)
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(limits.max_connections)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send, and wait for the headers. Closing the response's stream gives the connection back."""
        if not self._slots.acquire(timeout=_patience(request)):
            raise httpcore.PoolTimeout
        connection, dead = self._taken(request.url.origin)
        try:
            _close(dead)
            response = connection.handle_request(request)
        except BaseException:
            self._give_back(request.url.origin, connection)
            raise
        body = _Body(response.stream, lambda: self._give_back(request.url.origin, connection))
        return httpcore.Response(response.status, headers=response.headers, content=body, extensions=response.extensions)

    def close(self) -> None:
        """Close all connections, those in use among them."""
        with self._lock:
            every = self._shelf.clear()
        _close(every)

    def abandon(self) -> None:
        """Close all connections without the lock, which another thread may hold for ever after a fork."""
        _close(self._shelf.clear())

    def _taken(self, origin: httpcore.Origin) -> tuple[httpcore.HTTPConnection, list[httpcore.HTTPConnection]]:
        with self._lock:
            connection, dead = self._shelf.take(origin)
            if connection is None:
                connection = httpcore.HTTPConnection(origin, network_backend=self._backend, **self._options)
                self._shelf.every.add(connection)
        return connection, dead

    def _give_back(self, origin: httpcore.Origin, connection: httpcore.HTTPConnection) -> None:
        try:
            with self._lock:
                kept = self._shelf.give_back(origin, connection)
            if not kept:
                connection.close()
        finally:
            self._slots.release()


def _patience(request: httpcore.Request) -> float | None:
    seconds: float | None = request.extensions["timeout"]["pool"]
    return seconds


def _close(connections: list[httpcore.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


class _Body:
    """A response's body, whose closing gives its connection back."""

    def __init__(self, stream: Any, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back = give_back
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            try:
                self._stream.close()
            finally:
                self._give_back()


class AsyncPool:
    """The connections of one event loop."""

    def __init__(self, context: ssl.SSLContext | None, limits: Limits) -> None:
        self._options: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": limits.keepalive}
        self._backend = AsyncTimedBackend()
        self._shelf: _Shelf[httpcore.AsyncHTTPConnection] = _Shelf(limits.max_connections)
        self._slots = asyncio.Semaphore(limits.max_connections)

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send, and wait for the headers. Closing the response's stream gives the connection back."""
        await self._slot(request)
        connection, dead = self._taken(request.url.origin)
        try:
            await _aclose(dead)
            response = await connection.handle_async_request(request)
        except BaseException:
            await self._give_back(request.url.origin, connection)
            raise
        body = _AsyncBody(response.stream, lambda: self._give_back(request.url.origin, connection))
        return httpcore.Response(response.status, headers=response.headers, content=body, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close all connections, those in use among them. A cancellation on the way is heard when all are closed."""
        await _aclose(self._shelf.clear())

    async def _slot(self, request: httpcore.Request) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(_patience(request)):
                await self._slots.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout from None

    def _taken(self, origin: httpcore.Origin) -> tuple[httpcore.AsyncHTTPConnection, list[httpcore.AsyncHTTPConnection]]:
        connection, dead = self._shelf.take(origin)
        if connection is None:
            connection = httpcore.AsyncHTTPConnection(origin, network_backend=self._backend, **self._options)
            self._shelf.every.add(connection)
        return connection, dead

    async def _give_back(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        try:
            if not self._shelf.give_back(origin, connection):
                await connection.aclose()
        finally:
            self._slots.release()


async def _aclose(connections: list[httpcore.AsyncHTTPConnection]) -> None:
    """Close them all, also when a loop that shuts down cancels this on its way: then go on, and be cancelled at the end."""
    cancelled = None
    for connection in connections:
        try:
            await connection.aclose()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class _AsyncBody:
    """A response's body, whose closing gives its connection back."""

    def __init__(self, stream: Any, give_back: Callable[[], Any]) -> None:
        self._stream = stream
        self._give_back = give_back
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            try:
                await self._stream.aclose()
            finally:
                await self._give_back()
