"""How long somebody listens: to the first word, between two words, and to the end."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeVar

from modelhub.plugin import Runtime, TimedOut, Timeouts

__all__ = ["Listening"]

T = TypeVar("T")


class Listening:
    """The time-outs of one request, which begin when this is made. Only a stream has a first word, and words after it."""

    def __init__(self, name: str, timeouts: Timeouts, runtime: Runtime, *, streamed: bool) -> None:
        self._name = name
        self._timeouts = timeouts
        self._runtime = runtime
        self._streamed = streamed
        self._started = self._last = runtime.now()
        self.begun = False
        """Whether the first word has come."""

    async def to(self, future: Future[T]) -> T:
        """What the future comes to. Raises ``TimedOut``."""
        phase, seconds, left = self._shortest()
        try:
            came = await self._runtime.wait(future, left)
        except TimeoutError:
            message = f"{self._name} was silent for too long: {seconds:g} s (the time-out `{phase}`) have passed."
            raise TimedOut(message, phase=phase, seconds=seconds or 0) from None
        self._last = self._runtime.now()
        return came

    def _shortest(self) -> tuple[str, float | None, float | None]:
        """The time-out that passes first: its name, its length, and what is left of it."""
        now, times = self._runtime.now(), self._timeouts
        all_of_them = {"total": (times.total, self._started)}
        if self._streamed:
            one = {"idle": (times.idle, self._last)} if self.begun else {"first_token": (times.first_token, self._started)}
            all_of_them |= one
        left = {phase: (start + length - now, length) for phase, (length, start) in all_of_them.items() if length is not None}
        if not left:
            return "total", None, None
        phase = min(left, key=lambda phase: left[phase][0])
        return phase, left[phase][1], max(left[phase][0], 0.001)
