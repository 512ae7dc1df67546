"""Connections kept for the next request, awaited, for one event loop. Stands in the place of the HTTP library's own pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpcore

from modelhub.transport.shelf import Limits, Shelf, may_go_again, patience
from modelhub.transport.sockets import AsyncTimedBackend
from modelhub.transport.ways import Place, Way, is_known, place_of, way_to

__all__ = ["AsyncPool"]


class AsyncPool:
    """The connections of one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._backend = AsyncTimedBackend()
        self._shelf: Shelf[httpcore.AsyncHTTPConnection] = Shelf(limits)
        self._slots = asyncio.Semaphore(limits.max_connections)

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send, and wait for the headers. Closing the response's stream gives the connection back."""
        await self._slot(request)
        try:
            return await self._answer(place_of(request), request)
        except BaseException:
            self._slots.release()
            raise

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

    async def _answer(self, place: Place, request: httpcore.Request) -> httpcore.Response:
        """Over a kept connection; where that one had been closed, and the request never came there, over a new one."""
        connection, dead = self._shelf.take(place)
        if dead:
            await self._closed(connection, dead)
        if connection is not None:
            try:
                return await self._sent(place, connection, request)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                if not may_go_again(request):
                    raise
        connection = await self._made(place, request.url.origin)
        response = await self._sent(place, connection, request)
        self._shelf.told(place, response.headers)
        return response

    async def _sent(
        self, place: Place, connection: httpcore.AsyncHTTPConnection, request: httpcore.Request
    ) -> httpcore.Response:
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await self._put_back(place, connection)
            raise
        body = _AsyncBody(response.stream, lambda: self._give_back(place, connection))
        return httpcore.Response(response.status, headers=response.headers, content=body, extensions=response.extensions)

    async def _made(self, place: Place, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        way = way_to(place) if is_known(place) else await asyncio.to_thread(way_to, place)
        connection = self._unconnected(way, origin)
        self._shelf.every.add(connection)
        return connection

    def _unconnected(self, way: Way, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        if way.proxy is None:
            return httpcore.AsyncHTTPConnection(origin, ssl_context=way.context, network_backend=self._backend)
        from modelhub.transport.tunnel import async_proxied

        return async_proxied(origin, way, self._backend)

    async def _closed(self, taken: httpcore.AsyncHTTPConnection | None, dead: list[httpcore.AsyncHTTPConnection]) -> None:
        """Close the dead. Whoever is cancelled meanwhile leaves the one it has taken to nobody, so that is closed, too."""
        try:
            await _aclose(dead)
        except BaseException:
            if taken is not None:
                self._shelf.every.discard(taken)
                await taken.aclose()
            raise

    async def _put_back(self, place: Place, connection: httpcore.AsyncHTTPConnection) -> None:
        if not self._shelf.give_back(place, connection):
            await connection.aclose()

    async def _give_back(self, place: Place, connection: httpcore.AsyncHTTPConnection) -> None:
        try:
            await self._put_back(place, connection)
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
