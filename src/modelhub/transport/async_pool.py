"""Connections kept for the next request, awaited, for one event loop. Stands in the place of the HTTP library's own pool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpcore

from modelhub.transport.async_connection import AsyncAnswer, AsyncConnection
from modelhub.transport.shelf import Limits, Shelf, may_go_again
from modelhub.transport.sockets import AsyncTimedBackend
from modelhub.transport.ways import Place, Way, is_known, way_to

if TYPE_CHECKING:
    from modelhub.transport.outgoing import Outgoing

__all__ = ["AsyncPool"]


class AsyncPool:
    """The connections of one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._backend = AsyncTimedBackend()
        self._shelf: Shelf[AsyncConnection] = Shelf(limits)
        self._slots = asyncio.Semaphore(limits.max_connections)

    async def send(self, request: Outgoing) -> AsyncAnswer:
        """Send, and wait for the headers. Closing the answer gives the connection back."""
        await self._slot(request)
        try:
            return await self._answer(request.place, request)
        except BaseException:
            self._slots.release()
            raise

    async def aclose(self) -> None:
        """Close all connections, those in use among them. A cancellation on the way is heard when all are closed."""
        await _aclose(self._shelf.clear())

    async def _slot(self, request: Outgoing) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(request.clock.left()):
                await self._slots.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout from None

    async def _answer(self, place: Place, request: Outgoing) -> AsyncAnswer:
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
        connection = await self._made(place)
        answer = await self._sent(place, connection, request)
        self._shelf.told(place, answer.fields)
        return answer

    async def _sent(self, place: Place, connection: AsyncConnection, request: Outgoing) -> AsyncAnswer:
        try:
            answer = await connection.send(request)
        except BaseException:
            await self._put_back(place, connection)
            raise
        answer.freed = lambda: self._give_back(place, connection)
        return answer

    async def _made(self, place: Place) -> AsyncConnection:
        way = way_to(place) if is_known(place) else await asyncio.to_thread(way_to, place)
        connection = self._unconnected(way)
        self._shelf.every.add(connection)
        return connection

    def _unconnected(self, way: Way) -> AsyncConnection:
        if way.proxy is None:
            return AsyncConnection(self._backend, way.context)
        from modelhub.transport.tunnel import async_proxied

        return async_proxied(way, self._backend)

    async def _closed(self, taken: AsyncConnection | None, dead: list[AsyncConnection]) -> None:
        """Close the dead. Whoever is cancelled meanwhile leaves the one it has taken to nobody, so that is closed, too."""
        try:
            await _aclose(dead)
        except BaseException:
            if taken is not None:
                self._shelf.every.discard(taken)
                await taken.aclose()
            raise

    async def _put_back(self, place: Place, connection: AsyncConnection) -> None:
        if not self._shelf.give_back(place, connection):
            await connection.aclose()

    async def _give_back(self, place: Place, connection: AsyncConnection) -> None:
        try:
            await self._put_back(place, connection)
        finally:
            self._slots.release()


async def _aclose(connections: list[AsyncConnection]) -> None:
    """Close them all, also when a loop that shuts down cancels this on its way: then go on, and be cancelled at the end."""
    cancelled = None
    for connection in connections:
        try:
            await connection.aclose()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
