"""A stream in the application's hands: iterate over it, leave it early, or collect it whole."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from modelhub.errors import ModelhubError, StreamBroken
from modelhub.model import Finished, Response, Runtime
from modelhub.transport.drive import iterate
from modelhub.transport.stopping import Stop

__all__ = ["AsyncStream", "Stream"]

EventT = TypeVar("EventT")
ResponseT = TypeVar("ResponseT", bound=Response)


class _Noted(Generic[ResponseT]):
    """What both streams share: the response of the last event."""

    _response: ResponseT | None = None

    @property
    def response(self) -> ResponseT | None:
        """The whole response once the stream has finished; ``None`` before."""
        return self._response

    def _note(self, finished: Finished[Any]) -> None:
        self._response = finished.response


class Stream(_Noted[ResponseT], Generic[EventT, ResponseT]):
    """Events, of which ``Finished`` is the last. Leaving it early (``break``, ``close``, ``with``) stops the provider, too.

    One thread at a time reads. Any thread may close: one that waits for an event then gets ``StreamBroken`` at once, or, where
    a connection is still being made, as soon as it is.
    """

    def __init__(self, events: AsyncGenerator[EventT, None]) -> None:
        self._events = iterate(events)
        self._step = self._events.__next__
        self._stop = Stop()
        self._reading = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventT:
        with self._reading:
            try:
                event = self._stop.heard_by(self._step)
            except ModelhubError as error:
                if self._stop.asked:
                    raise _stopped(error) from error
                raise
            if self._stop.asked:
                self._events.close()
        came: object = event
        if isinstance(came, Finished):
            self._note(cast("Finished[ResponseT]", came))
        return event

    def collect(self) -> ResponseT:
        """Read what is left, and give the whole response."""
        for _ in self:
            pass
        return _finished(self._response)

    def close(self) -> None:
        """Stop the stream and whoever sends it. Returns at once where another thread is reading: that one is told."""
        if not self._reading.acquire(blocking=False):
            self._stop.ask()
            return
        try:
            self._events.close()
        finally:
            self._reading.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncStream(_Noted[ResponseT], Generic[EventT, ResponseT]):
    """Events, of which ``Finished`` is the last. Leaving it early (``break``, ``aclose``, a cancel) stops the provider, too.

    One that is still held after a ``break`` is closed with its hub.
    """

    def __init__(self, events: AsyncGenerator[EventT, None], runtime: Runtime | None = None) -> None:
        self._events = events
        self._keeper = runtime

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        if self._keeper is not None:
            self._begin(self._keeper)
        event = await self._events.__anext__()
        came: object = event
        if isinstance(came, Finished):
            self._note(cast("Finished[ResponseT]", came))
        return event

    async def collect(self) -> ResponseT:
        """Read what is left, and give the whole response."""
        async for _ in self:
            pass
        return _finished(self._response)

    def _begin(self, keeper: Runtime) -> None:
        """Tell the runtime, which closes it in this loop where nobody else has done so."""
        self._keeper = None
        if (keep := getattr(keeper, "keep", None)) is not None:
            keep(self)

    async def aclose(self) -> None:
        """Stop the stream and whoever sends it."""
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _finished(response: ResponseT | None) -> ResponseT:
    if response is None:
        raise StreamBroken("The stream was closed before its end, so there is no whole response.")
    return response


def _stopped(error: ModelhubError) -> StreamBroken:
    """What a reader gets whose stream was closed elsewhere, with what had come."""
    return StreamBroken("The stream was closed while it was being read.", partial=getattr(error, "partial", None))
