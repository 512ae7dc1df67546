"""Connections kept for the next request, blocking. Stands in the place of the HTTP library's own pool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpcore

from modelhub.transport.shelf import Limits, Shelf, patience
from modelhub.transport.sockets import TimedBackend

if TYPE_CHECKING:
    import ssl

__all__ = ["Pool"]


class Pool:
    """Blocking connections, for any number of threads."""

    def __init__(self, context: ssl.SSLContext | None, limits: Limits) -> None:
        self._options: dict[str, Any] = {"ssl_context": context, "keepalive_expiry": limits.keepalive}
        self._backend = TimedBackend()
        self._shelf: Shelf[httpcore.HTTPConnection] = Shelf(limits.max_connections)
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(limits.max_connections)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send, and wait for the headers. Closing the response's stream gives the connection back."""
        if not self._slots.acquire(timeout=patience(request)):
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
