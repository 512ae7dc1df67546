"""Connections kept for the next request, blocking. Stands in the place of the HTTP library's own pool."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpcore

from modelhub.transport.connection import Answer, Connection
from modelhub.transport.shelf import Limits, Shelf, may_go_again
from modelhub.transport.sockets import TimedBackend
from modelhub.transport.ways import Place, way_to

if TYPE_CHECKING:
    from modelhub.transport.outgoing import Outgoing

__all__ = ["Pool"]


class Pool:
    """Blocking connections, for any number of threads."""

    def __init__(self, limits: Limits) -> None:
        self._backend = TimedBackend()
        self._shelf: Shelf[Connection] = Shelf(limits)
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(limits.max_connections)

    def send(self, request: Outgoing) -> Answer:
        """Send, and wait for the headers. Closing the answer gives the connection back."""
        if not self._slots.acquire(timeout=request.clock.left()):
            raise httpcore.PoolTimeout
        try:
            return self._answer(request.place, request)
        except BaseException:
            self._slots.release()
            raise

    def close(self) -> None:
        """Close all connections, those in use among them."""
        with self._lock:
            every = self._shelf.clear()
        _close(every)

    def abandon(self) -> None:
        """Close all connections without the lock, which another thread may hold for ever after a fork."""
        _close(self._shelf.clear())

    def _answer(self, place: Place, request: Outgoing) -> Answer:
        """Over a kept connection; where that one had been closed, and the request never came there, over a new one."""
        with self._lock:
            connection, dead = self._shelf.take(place)
        if dead:
            _close(dead)
        if connection is not None:
            try:
                return self._sent(place, connection, request)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                if not may_go_again(request):
                    raise
        connection = self._made(place)
        answer = self._sent(place, connection, request)
        self._shelf.told(place, answer.fields)
        return answer

    def _sent(self, place: Place, connection: Connection, request: Outgoing) -> Answer:
        try:
            answer = connection.send(request)
        except BaseException:
            self._put_back(place, connection)
            raise
        answer.freed = lambda: self._give_back(place, connection)
        return answer

    def _made(self, place: Place) -> Connection:
        connection = self._unconnected(place)
        with self._lock:
            self._shelf.every.add(connection)
        return connection

    def _unconnected(self, place: Place) -> Connection:
        way = way_to(place)
        if way.proxy is None:
            return Connection(self._backend, way.context)
        from modelhub.transport.tunnel import proxied

        return proxied(way, self._backend)

    def _put_back(self, place: Place, connection: Connection) -> None:
        with self._lock:
            kept = self._shelf.give_back(place, connection)
        if not kept:
            connection.close()

    def _give_back(self, place: Place, connection: Connection) -> None:
        try:
            self._put_back(place, connection)
        finally:
            self._slots.release()


def _close(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()
