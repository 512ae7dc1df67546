"""The four time-outs of one exchange, as one clock that knows what is being waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from modelhub.errors import TimedOut
from modelhub.model import Timeouts
from modelhub.transport.stopping import Stop

__all__ = ["Clock"]

_MEANING = {
    "connect": "no connection was made",
    "first_token": "nothing of the answer came",
    "idle": "nothing more of the answer came",
    "total": "the answer was not complete",
}
_REFUSALS = 400
_ENDING = 1.0
"""Seconds for a body to end, once the answer has said that it is complete."""


class Clock:
    """How long the next step may take. ``streaming``: the caller will say ``begun()`` at the first token.

    ``connect`` counts from the moment a connection is begun, so waiting for a free one costs nothing of it; ``first_token``
    and ``total`` count from the start; ``idle`` counts anew at every step once the answer has begun.
    """

    __slots__ = (
        "_answered",
        "_awaiting_token",
        "_connect_at",
        "_cut",
        "_first_token_at",
        "_now",
        "_timeouts",
        "_total_at",
        "_waiting_for",
        "sent",
        "stop",
    )

    def __init__(
        self, timeouts: Timeouts, *, streaming: bool, stop: Stop | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        started = now()
        self.stop = stop
        """What ends the waits early, if anything does."""
        self.sent = False
        """Whether the server may have got the whole request, and not said that it refuses it."""
        self._cut = False
        self._now = now
        self._timeouts = timeouts
        self._total_at = _after(started, timeouts.total)
        self._first_token_at = _after(started, timeouts.first_token) if streaming else None
        self._connect_at: float | None = None
        self._awaiting_token = streaming
        self._answered = False
        self._waiting_for = "total"

    def connecting(self) -> None:
        """A connection is begun."""
        self._connect_at = _after(self._now(), self._timeouts.connect)

    def cut(self) -> None:
        """A part of the request could not be written, so what the server has is no request."""
        self._cut = True

    def waiting(self) -> None:
        """What could be written of the request is written; from here on bytes are waited for."""
        if not self._answered:
            self.sent = not self._cut

    def undelivered(self) -> None:
        """The end of the request has not come to the server's side, and will not."""
        if not self._answered:
            self.sent = False

    def again(self) -> None:
        """The request, of which the server got nothing whole, goes out once more."""
        self._cut = self.sent = False

    def answered(self, status: int = 200) -> None:
        """The response's headers have come. An unsuccessful one says that nothing was served."""
        self._answered = True
        self.sent = self.sent and status < _REFUSALS

    def begun(self) -> None:
        """The first token has come."""
        self._awaiting_token = False

    def done(self) -> None:
        """All of the answer has come; what is still waited for is the end of the body."""
        ending_at = self._now() + _ENDING
        self._total_at = ending_at if self._total_at is None else min(self._total_at, ending_at)

    def left_to_connect(self) -> float | None:
        """Seconds for the next step of making a connection; 0.0 when they have passed, ``None`` for ever."""
        return self._nearest(self._connect_at, "connect", self._now())

    def left(self) -> float | None:
        """Seconds for the next bytes, either way; 0.0 when they have passed, ``None`` for ever."""
        now = self._now()
        if self._answered and not self._awaiting_token:
            return self._nearest(_after(now, self._timeouts.idle), "idle", now)
        return self._nearest(None, "", now)

    def _nearest(self, step_at: float | None, step: str, now: float) -> float | None:
        nearest, self._waiting_for = step_at, step
        if self._awaiting_token and self._first_token_at is not None and (nearest is None or self._first_token_at < nearest):
            nearest, self._waiting_for = self._first_token_at, "first_token"
        if self._total_at is not None and (nearest is None or self._total_at < nearest):
            nearest, self._waiting_for = self._total_at, "total"
        return None if nearest is None else max(nearest - now, 0.0)

    def timed_out(self, origin: str) -> TimedOut:
        """The error for the wait that ``left`` or ``left_to_connect`` was last asked about."""
        phase = self._waiting_for
        seconds: float = getattr(self._timeouts, phase)
        message = f"{origin}: {_MEANING[phase]} within {seconds:g} s (the time-out `{phase}`)."
        return TimedOut(message, phase=phase, seconds=seconds)


def _after(moment: float, seconds: float | None) -> float | None:
    return None if seconds is None else moment + seconds
