"""A stream whose beginning may send its reader elsewhere; once it has begun, nothing stands between the two."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from modelhub.plugin import ModelhubError

__all__ = ["Begun"]

EventT = TypeVar("EventT")


class Begun(AsyncGenerator[EventT, None]):
    """The events; or, where there is an error in the place of the first, those of what ``otherwise`` makes of it.

    A generator around another costs its share of every token. This hands on what the inner one gives, as it is.
    """

    def __init__(
        self,
        events: AsyncGenerator[EventT, None],
        otherwise: Callable[[ModelhubError], AsyncGenerator[EventT, None]],
    ) -> None:
        self._events = events
        self._otherwise = otherwise
        self._next: Callable[[], Coroutine[Any, Any, EventT]] = self._first

    def __anext__(self) -> Coroutine[Any, Any, EventT]:
        return self._next()

    async def _first(self) -> EventT:
        self._next = self._events.__anext__
        try:
            return await self._next()
        except ModelhubError as error:
            self._events = self._otherwise(error)
        self._next = self._events.__anext__
        return await self._next()

    def asend(self, value: None) -> Coroutine[Any, Any, EventT]:
        return self._events.asend(value)

    def athrow(self, *error: Any) -> Coroutine[Any, Any, EventT]:
        return self._events.athrow(*error)

    def aclose(self) -> Coroutine[Any, Any, None]:
        return self._events.aclose()
