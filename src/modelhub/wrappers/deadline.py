"""A call's time, shared by the requests that it takes."""

from __future__ import annotations

from dataclasses import replace

from modelhub.errors import TimedOut
from modelhub.model import Runtime, Timeouts

__all__ = ["Deadline"]


class Deadline:
    """Begins when it is made."""

    def __init__(self, timeouts: Timeouts, runtime: Runtime) -> None:
        self._timeouts = timeouts
        self._runtime = runtime
        self._started = runtime.now()

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return self._runtime.now() - self._started

    def left(self) -> Timeouts:
        """The time-outs of a request that is sent now. Raises ``TimedOut`` where no time is left."""
        total = self._timeouts.total
        if total is None:
            return self._timeouts
        if self.passed >= total:
            raise TimedOut(f"The call was not over after {total:g} s (the time-out `total`).", phase="total", seconds=total)
        return replace(self._timeouts, total=total - self.passed)
