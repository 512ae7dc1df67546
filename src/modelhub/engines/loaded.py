"""One engine in the pool: being loaded, loaded, or failed to load."""

from __future__ import annotations

import threading
import time
from typing import Any

from modelhub.engines.plan import Engine, Plan

__all__ = ["Loaded"]


class Loaded:
    """What is known of one engine. The pool's lock guards ``users``, ``idle_since`` and ``engine``."""

    __slots__ = ("_ended", "engine", "error", "idle_since", "plan", "users")

    def __init__(self, plan: Plan[Any]) -> None:
        self.plan = plan
        self.users = 0
        self.idle_since = time.monotonic()
        self.engine: Engine | None = None
        self.error: BaseException | None = None
        self._ended = threading.Event()

    @property
    def is_settled(self) -> bool:
        """Whether loading has ended, one way or the other."""
        return self._ended.is_set()

    @property
    def is_idle(self) -> bool:
        """Whether it is loaded, and nobody uses it."""
        return self.engine is not None and not self.users

    @property
    def ends_at(self) -> float | None:
        """When it is unloaded if nobody comes; ``None``: not by the clock."""
        return None if self.plan.keep_alive is None else self.idle_since + self.plan.keep_alive

    def settle(self, outcome: Engine | BaseException) -> None:
        """Loading has ended, and whoever waits goes on."""
        if isinstance(outcome, BaseException):
            self.error = outcome
        else:
            self.engine = outcome
        self._ended.set()

    def wait(self) -> None:
        """Block until loading has ended."""
        self._ended.wait()
