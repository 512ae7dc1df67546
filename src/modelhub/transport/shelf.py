"""The shelf of idle connections that both pools take from: taking one costs the same however many there are.

The HTTP library's own pools look at every connection for every request, which at some hundred at a time is most of the work.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, Generic, NamedTuple, TypeVar

import httpcore

__all__ = ["Limits", "Shelf", "patience"]

ConnectionT = TypeVar("ConnectionT", httpcore.HTTPConnection, httpcore.AsyncHTTPConnection)


class Limits(NamedTuple):
    """How many connections are in use at once, to all hosts together, and how many seconds an idle one is kept."""

    max_connections: int
    keepalive: float


class Shelf(Generic[ConnectionT]):
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


def patience(request: httpcore.Request) -> float | None:
    """How many seconds the request may wait for its turn."""
    seconds: float | None = request.extensions["timeout"]["pool"]
    return seconds
