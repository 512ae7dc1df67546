"""Connections kept for the next request, awaited, for one event loop. Stands in the place of the HTTP library's own pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import httpcore

from modelhub.transport.shelf import Limits, Shelf, patience
from modelhub.transport.sockets import AsyncTimedBackend

if TYPE_CHECKING:
    import ssl

__all__ = ["AsyncPool"]


class AsyncPool:
    """The connections of one event loop."""

    def __init__(self, context: ssl.SSLContext | None, limits: Limits) -> None:
        self._options: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": limits.keepalive}
        self._backend = AsyncTimedBackend()
        self._shelf: Shelf[httpcore.AsyncHTTPConnection] = Shelf(limits.max_connections)
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
            async with asyncio.timeout(patience(request)):
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
