"""Circuit: a model that fails again and again is left alone for a while, then tried by one call."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from modelhub.errors import (
    AnswerError,
    KeyMissing,
    KeyRefused,
    ModelhubError,
    ModelLoading,
    ProviderDown,
    ProviderError,
    RateLimited,
    StreamBroken,
    TransportError,
    UnknownModel,
)
from modelhub.model import Finished, Request, Response, Runtime, Wrapper

__all__ = ["OUTAGES", "Circuit", "Watched"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")

OUTAGES = (TransportError, RateLimited, ModelLoading, ProviderDown, StreamBroken, AnswerError)
"""What says that a model cannot answer now, whatever it is asked."""
_FAILURES = (*OUTAGES, KeyRefused, KeyMissing, UnknownModel)


class Circuit:
    """After ``failures`` in a row it is open: ``admits`` says no for ``cool_down`` seconds, then yes to one call, the probe.

    Moments are seconds of one runtime's clock. Safe in any thread; no lock is held while anything waits.
    """

    def __init__(self, failures: int = 3, cool_down: float = 30.0) -> None:
        self.failures = failures
        self.cool_down = cool_down
        self._failed = 0
        self._until: float | None = None
        self._lock = threading.Lock()

    def admits(self, now: float) -> bool:
        """Whether a call may be made now. The probe begins another cool-down, so that there is one in each."""
        with self._lock:
            if self._until is None:
                return True
            if now < self._until:
                return False
            self._until = now + self.cool_down
            return True

    @property
    def is_open(self) -> bool:
        """Whether no call but a probe is to be made."""
        return self._until is not None

    def left(self, now: float) -> float:
        """Seconds until the next probe; 0.0 where the circuit is closed."""
        until = self._until
        return 0.0 if until is None else max(until - now, 0.0)

    def failed(self, now: float) -> None:
        """Another attempt has failed."""
        with self._lock:
            self._failed += 1
            if self._failed >= self.failures:
                self._until = now + self.cool_down

    def answered(self) -> None:
        """An attempt was answered: the circuit is closed."""
        with self._lock:
            self._failed, self._until = 0, None

    def unlock(self) -> None:
        """In a forked child: a thread that held the lock is gone."""
        self._lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Watched(Wrapper[RequestT, ResponseT, EventT]):
    """Tells the circuit how each attempt ended. What it was asked, and should not have been, is no failure of the model."""

    circuit: Circuit

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        try:
            response = await self.inner.call(request, runtime)
        except ModelhubError as error:
            self._note(error, runtime)
            raise
        self.circuit.answered()
        return response

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        try:
            async with aclosing(self.inner.stream(request, runtime)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        self.circuit.answered()
                    yield event
        except ModelhubError as error:
            self._note(error, runtime)
            raise

    def _note(self, error: ModelhubError, runtime: Runtime) -> None:
        if isinstance(error, _FAILURES):
            self.circuit.failed(runtime.now())
        elif isinstance(error, ProviderError):
            self.circuit.answered()
