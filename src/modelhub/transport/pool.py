"""Connections kept for the next request, blocking. Stands in the place of the HTTP library's own pool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpcore

from modelhub.transport.shelf import Limits, Shelf, may_go_again, patience
from modelhub.transport.sockets import TimedBackend
from modelhub.transport.ways import Place, place_of, way_to

__all__ = ["Pool"]


class Pool:
    """Blocking connections, for any number of threads."""

    def __init__(self, limits: Limits) -> None:
        self._backend = TimedBackend()
        self._shelf: Shelf[httpcore.HTTPConnection] = Shelf(limits)
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(limits.max_connections)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send, and wait for the headers. Closing the response's stream gives the connection back."""
        if not self._slots.acquire(timeout=patience(request)):
            raise httpcore.PoolTimeout
        try:
            return self._answer(place_of(request), request)
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

    def _answer(self, place: Place, request: httpcore.Request) -> httpcore.Response:
        """Over a kept connection; where that one had been closed, and the request never came there, over a new one."""
        with self._lock:
            connection, dead = self._shelf.take(place)
        _close(dead)
        if connection is not None:
            try:
                return self._sent(place, connection, request)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                if not may_go_again(request):
                    raise
        connection = self._made(place, request.url.origin)
        response = self._sent(place, connection, request)
        self._shelf.told(place, response.headers)
        return response

    def _sent(self, place: Place, connection: httpcore.HTTPConnection, request: httpcore.Request) -> httpcore.Response:
        try:
            response = connection.handle_request(request)
        except BaseException:
            self._put_back(place, connection)
            raise
        body = _Body(response.stream, lambda: self._give_back(place, connection))
        return httpcore.Response(response.status, headers=response.headers, content=body, extensions=response.extensions)

    def _made(self, place: Place, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        connection = self._unconnected(place, origin)
        with self._lock:
            self._shelf.every.add(connection)
        return connection

    def _unconnected(self, place: Place, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        way = way_to(place)
        if way.proxy is None:
            return httpcore.HTTPConnection(origin, ssl_context=way.context, network_backend=self._backend)
        from modelhub.transport.tunnel import proxied

        return proxied(origin, way, self._backend)

    def _put_back(self, place: Place, connection: httpcore.HTTPConnection) -> None:
        with self._lock:
            kept = self._shelf.give_back(place, connection)
        if not kept:
            connection.close()

    def _give_back(self, place: Place, connection: httpcore.HTTPConnection) -> None:
        try:
            self._put_back(place, connection)
        finally:
            self._slots.release()


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
