"""The shelf of idle connections that both pools take from: taking one costs the same however many there are.

The HTTP library's own pools look at every connection for every request, which at some hundred at a time is most of the work.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from modelhub.transport.async_connection import AsyncConnection
    from modelhub.transport.connection import Connection
    from modelhub.transport.outgoing import Outgoing
    from modelhub.transport.ways import Place

__all__ = ["Limits", "Shelf", "may_go_again"]

ConnectionT = TypeVar("ConnectionT", "Connection", "AsyncConnection")
_SHORTEST = 0.05
_REMEMBERED = 600.0


class Limits(NamedTuple):
    """How many connections are in use at once, to all hosts together, and how many seconds an idle one is kept."""

    max_connections: int
    keepalive: float


class Shelf(Generic[ConnectionT]):
    """Idle connections by where they lead; the one last used is taken first, so that the others can grow old.

    A request that is written just when the server closes is lost, and whether it was served cannot always be known. So none
    waits longer than the server says (``Keep-Alive: timeout=5``), or than half the time after which it was seen to close one.
    """

    def __init__(self, limits: Limits) -> None:
        self.every: set[ConnectionT] = set()
        self._limits = limits
        self._idle: dict[Place, deque[tuple[ConnectionT, float]]] = {}
        self._lives: dict[Place, tuple[float, float]] = {}
        self._count = 0

    def take(self, place: Place) -> tuple[ConnectionT | None, list[ConnectionT]]:
        """A connection that can be used, if there is one, and those found too old or dead, which are to be closed."""
        now = time.monotonic()
        idle = self._idle.get(place, ())
        dead: list[ConnectionT] = []
        while idle:
            connection, since = idle.pop()
            if self._usable(place, connection, since, now):
                self._forget(dead, 1)
                return connection, dead
            dead.append(connection)
        for other in list(self._idle):
            dead += self._oldest_dead(other, now)
        self._forget(dead, 0)
        return None, dead

    def give_back(self, place: Place, connection: ConnectionT) -> bool:
        """Keep it where it can serve again. ``False``: it cannot, and is to be closed."""
        most = self._limits.max_connections
        keep = connection in self.every and connection.idle and not connection.closed and self._count < most
        if keep:
            self._idle.setdefault(place, deque()).append((connection, time.monotonic()))
            self._count += 1
        else:
            self.every.discard(connection)
        return keep

    def told(self, place: Place, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Heed what the server says in the first response of a connection about how long it keeps an idle one."""
        for name, value in headers:
            if name.lower() == b"keep-alive":
                seconds = _promised(value)
                if seconds is not None:
                    self._shorten(place, max(seconds - 1, seconds / 2), time.monotonic())

    def clear(self) -> list[ConnectionT]:
        """Forget all, and give all."""
        every, self.every, self._count = list(self.every), set(), 0
        self._idle.clear()
        return every

    def _forget(self, dead: list[ConnectionT], taken: int) -> None:
        self._count -= len(dead) + taken
        self.every.difference_update(dead)

    def _oldest_dead(self, place: Place, now: float) -> list[ConnectionT]:
        """The oldest connection to some other place, where it is of no use any more."""
        idle = self._idle[place]
        if not idle:
            del self._idle[place]
            return []
        return [] if self._usable(place, *idle[0], now) else [idle.popleft()[0]]

    def _usable(self, place: Place, connection: ConnectionT, since: float, now: float) -> bool:
        """Whether it is open, young enough, and the server has not closed it meanwhile."""
        age = now - since
        if connection.closed or age > self._life(place, now):
            return False
        ended = connection.forsaken()
        if ended and age >= _SHORTEST:
            self._shorten(place, age / 2, now)
        return not ended

    def _life(self, place: Place, now: float) -> float:
        """How old an idle connection to this place may be."""
        life, until = self._lives.get(place, (self._limits.keepalive, now))
        if now > until:
            del self._lives[place]
            return self._limits.keepalive
        return life

    def _shorten(self, place: Place, seconds: float, now: float) -> None:
        self._lives[place] = min(seconds, self._life(place, now)), now + _REMEMBERED


def _promised(value: bytes) -> float | None:
    for part in value.split(b","):
        name, _, seconds = part.strip().partition(b"=")
        if name.lower() == b"timeout" and seconds.isdigit():
            return float(seconds[:9])
    return None


def may_go_again(request: Outgoing) -> bool:
    """Whether a request that failed on a kept connection goes out again, on a new one: the server cannot have got it whole."""
    clock = request.clock
    if clock.sent or (clock.stop is not None and clock.stop.asked):
        return False
    clock.again()
    return True
