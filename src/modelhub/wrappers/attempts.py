"""Attempts: what follows a first failure: when to ask again, when to give up, and what is told of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from modelhub.errors import ModelhubError, TimedOut
from modelhub.model import Attempt, Finished, Request, Response, Runtime, Timeouts, Timing

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from modelhub.wrappers.retry import Retry

__all__ = ["Attempts", "after", "failed", "pause"]

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


class Attempts(Generic[RequestT, ResponseT, EventT]):
    """One call that goes on after its first attempt has failed. ``times`` more may follow."""

    def __init__(
        self,
        retry: Retry[RequestT, ResponseT, EventT],
        times: int,
        error: ModelhubError,
        request: RequestT,
        runtime: Runtime,
        started: float,
    ) -> None:
        self.failed: list[Attempt] = []
        self._retry = retry
        self._times = times
        self._first: list[ModelhubError] = [error.with_traceback(None)]
        self._request = request
        self._runtime = runtime
        self._started = started
        self._began = started
        self._pause = 0.0

    async def made(self, attempt: Callable[[RequestT], Awaitable[T]]) -> T:
        """What the first attempt that succeeds gives. Raises the last error, which tells of those before it."""
        from tenacity import AsyncRetrying, stop_never

        again = AsyncRetrying(
            sleep=self._runtime.sleep, retry=self._goes_on, wait=lambda _: self._pause, stop=stop_never, reraise=True
        )
        try:
            return await again(self._next, attempt)
        except ModelhubError as error:
            raise after(self.failed, self._in_all(error))  # noqa: B904  # the same error, telling more

    async def _next(self, attempt: Callable[[RequestT], Awaitable[T]]) -> T:
        """The first attempt has been made: it counts, with how it ended. Every later one has the time that is left."""
        if self._first:
            raise self._first.pop()
        self._began = self._runtime.now()
        return await attempt(replace(self._request, timeouts=self._timeouts()))

    def _goes_on(self, state: RetryCallState) -> bool:
        """Whether to ask again, and how long to wait before that. A cancellation or an interrupt ends it, like an answer."""
        error = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(error, ModelhubError) or not error.retryable or state.attempt_number > self._times:
            return False
        if self._retry.circuit is not None and self._retry.circuit.is_open:
            return False
        wait = pause(error, state.attempt_number, self._retry.max_wait)
        left = self._left(self._runtime.now())
        if wait is None or (left is not None and wait >= left):
            return False
        self._pause = wait
        self.failed += failed(self._retry.card.model, error)
        return True

    def _left(self, now: float) -> float | None:
        total = self._request.timeouts.total
        return None if total is None else total - (now - self._started)

    def _timeouts(self) -> Timeouts:
        left = self._left(self._runtime.now())
        return self._request.timeouts if left is None else replace(self._request.timeouts, total=max(left, 0.001))

    def _in_all(self, error: ModelhubError) -> ModelhubError:
        """The time-out ``total`` as the caller set it, where the last attempt had what was left of it."""
        total = self._request.timeouts.total
        if not self.failed or not isinstance(error, TimedOut) or error.phase != "total" or total is None:
            return error
        model, count = self._retry.card.model, len(self.failed) + 1
        message = f"{model}: {count} attempts took longer than {total:g} s together (the time-out `total`)."
        return TimedOut(message, phase="total", seconds=total)

    def signed(self, response: ResponseT) -> ResponseT:
        """The response with the attempts before it, timed from the first one's start."""
        before, timing = self._began - self._started, response.timing
        first = None if timing.first_token is None else timing.first_token + before
        total = None if timing.total is None else timing.total + before
        attempts = (*self.failed, *(response.attempts or (Attempt(self._retry.card.model),)))
        return replace(response, attempts=attempts, timing=Timing(first_token=first, total=total))

    def finished(self, event: Any) -> Any:
        """The event, which tells of the attempts before it if it is the last one."""
        return Finished(self.signed(event.response)) if isinstance(event, Finished) else event

    async def followed(self, events: AsyncGenerator[EventT, None]) -> AsyncGenerator[EventT, None]:
        """The events of the attempt that succeeded. What breaks it tells of those before it, too."""
        async with aclosing(events):
            try:
                async for event in events:
                    yield self.finished(event)
            except ModelhubError as error:
                raise after(self.failed, error)  # noqa: B904  # the same error, telling more


def pause(error: ModelhubError, number: int, max_wait: float) -> float | None:
    """Seconds to wait after the attempt of this number: never fewer than the provider said; ``None``: do not wait, give up.

    Where it said so, the wait is that and up to as much again, one second at most: all that were told the same shall not
    come back in the same moment. Where it said nothing, or 0, the wait is drawn from 0 to 1, 2, 4... seconds.
    """
    import random

    told: float = getattr(error, "retry_after", None) or 0.0
    if told > max_wait:
        return None
    if told:
        return told + random.uniform(0.0, min(told, 1.0))  # noqa: S311  # no secret: a moment
    return random.uniform(0.0, min(2.0 ** min(number - 1, 16), max_wait))  # noqa: S311


def failed(model: str, error: ModelhubError) -> list[Attempt]:
    """The attempts that an error ends: those it tells of, and its own."""
    return [*error.attempts, Attempt(model, _alone(error))]


def after(attempts: Sequence[Attempt], error: ModelhubError) -> ModelhubError:
    """The error, telling of the attempts before it: in ``attempts``, and each as the cause of the next."""
    if not attempts:
        return error
    last, previous = _alone(error), None
    last.attempts = (*attempts, *error.attempts)
    for attempt in last.attempts:
        if attempt.error is not None:
            attempt.error.__cause__, previous = previous, attempt.error
    last.__cause__ = error.__cause__ or previous
    return last


def _alone(error: ModelhubError) -> ModelhubError:
    """A copy without frames, whose variables would be kept with it, and without what came before it."""
    twin = copy(error)
    twin.attempts = ()
    return twin
