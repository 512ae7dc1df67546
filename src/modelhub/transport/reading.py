"""One stream as it is read: pieces of a body in, events out, and an error where it does not end as it should."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from modelhub.errors import AnswerError, StreamBroken, TimedOut, TransportError
from modelhub.http import HttpRequest, HttpStream
from modelhub.model import Finished, Response, Timing
from modelhub.transport.understanding import understood

__all__ = ["Decoder", "FirstToken", "Reading"]

EventT = TypeVar("EventT")
EventT_co = TypeVar("EventT_co", covariant=True)
_NO_MORE: Any = object()


class Decoder(Protocol[EventT_co]):
    """Turns the pieces of one streamed body into events. Its state is one stream's; pieces may be cut anywhere.

    Give ``Finished`` from ``close`` rather than from ``feed``: a body that is read to its end leaves its connection usable. A
    decoder may have an attribute ``done``, true once the answer has said that it is complete: the end of the body is then
    waited for one second only, since some hosts hold the connection open. One that has a method ``opened`` is told the
    answer's headers by it, before the first piece.
    """

    def feed(self, data: bytes) -> Iterable[EventT_co]:
        """The events that these bytes complete. Raises ``ModelhubError`` where the provider reports one."""

    def close(self) -> Iterable[EventT_co]:
        """The body has ended: the events still owed, ``Finished`` last. Raises ``StreamBroken`` where the end is missing."""

    def partial(self) -> Response:
        """The response made of what has come so far."""


class FirstToken:
    """When the answer began, and whether that is overdue."""

    def __init__(self, incoming: HttpStream, limit: float | None, now: Callable[[], float], started: float) -> None:
        self.after: float | None = None
        """Seconds from the call's start; ``None`` as long as nothing has come."""
        self._incoming = incoming
        self._limit = limit
        self._now = now
        self._started = started

    def came(self) -> None:
        """An event has come, the first one or another."""
        if self.after is None:
            self.after = self._now() - self._started
            self._incoming.begun()

    def check(self) -> None:
        """Raises ``TimedOut``. Keep-alive comments bring bytes, so that no socket times out, and no events."""
        if self.after is None and self._limit is not None and self._now() - self._started > self._limit:
            message = f"Nothing of the answer came within {self._limit:g} s (the time-out `first_token`)."
            raise TimedOut(message, phase="first_token", seconds=self._limit)

    def timing(self) -> Timing:
        """The times of a call that ends now."""
        return Timing(first_token=self.after, total=self._now() - self._started)


class Reading(Generic[EventT]):
    """What has been decoded, and whether it ended as it should."""

    def __init__(self, decoder: Decoder[EventT], outgoing: HttpRequest, incoming: HttpStream, first_token: FirstToken) -> None:
        self.goes_on = True
        self._decoder = decoder
        self._done = False
        self._outgoing = outgoing
        self._incoming = incoming
        self._pieces = incoming.chunks()
        self._piece: bytes | None = None
        self._first_token = first_token
        if (opened := getattr(decoder, "opened", None)) is not None:
            understood(lambda: opened(incoming.headers), outgoing, bytes)

    async def advance(self) -> None:
        """Wait for the next bytes of the body. They stay out of local variables: a server may repeat a key in them."""
        if not self._done and getattr(self._decoder, "done", False):
            self._done = True
            self._incoming.done()
        try:
            self._piece = await anext(self._pieces, None)
        except TransportError as error:
            if self._done:
                self._piece = None
                return
            if self._first_token.after is None:
                raise
            raise self._broken(f"The stream broke off: {error.message}") from error

    def events(self) -> Iterable[EventT]:
        """The events that these bytes complete. Raises ``StreamBroken`` at an end that is none."""
        decoded = self._understood(lambda: self._decoder.close() if self._piece is None else self._decoder.feed(self._piece))
        if self._piece is None or not isinstance(decoded, list) or Finished in map(type, decoded):
            return self._one_by_one(decoded)
        if decoded and self._first_token.after is None:
            self._first_token.came()
        self._first_token.check()
        return decoded  # which nothing can go wrong with any more

    def _one_by_one(self, decoded: Iterable[EventT]) -> Iterator[EventT]:
        left = self._understood(lambda: iter(decoded))
        while (event := self._understood(lambda: next(left, _NO_MORE))) is not _NO_MORE:
            if self._first_token.after is None:
                self._first_token.came()
            self.goes_on = not isinstance(event, Finished)
            yield event
            if not self.goes_on:
                return
        if self._piece is None:
            raise self._broken("The stream ended without saying that the answer is complete.")
        self._first_token.check()

    def _understood(self, read: Callable[[], Any]) -> Any:
        try:
            return understood(read, self._outgoing, lambda: self._piece or b"")
        except StreamBroken as error:
            if error.partial is None:
                error.partial = self._partial()
            raise
        except AnswerError as error:
            if self._first_token.after is None:
                raise
            raise self._broken(f"The stream broke off: {error.message}") from error

    def _broken(self, message: str) -> StreamBroken:
        return StreamBroken(message, partial=self._partial())

    def _partial(self) -> Response | None:
        try:
            return self._decoder.partial()
        except Exception:  # noqa: BLE001  # what broke the stream matters more than a decoder that cannot say what had come
            return None
