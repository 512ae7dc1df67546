"""Waiting for a model that is not ready yet: as long as its provider estimates, within a limit, and without pestering it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from modelhub.plugin import (
    Attempt,
    Finished,
    InvalidRequest,
    ModelLoading,
    Notice,
    Request,
    Response,
    Runtime,
    Timing,
    Wrapper,
)

__all__ = ["ON_LOADING", "Waiting"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")

ON_LOADING = "on_loading"
"""``extra={"huggingface": {"on_loading": told}}``: called as ``told(seconds, error)`` before each wait."""
_REQUESTS = 3
_SHARE = 3
"""Of a time that nobody has estimated, this part is waited at first, and then the rest."""


@dataclass(frozen=True, eq=False)
class Waiting(Wrapper[RequestT, ResponseT, EventT]):
    """A model that its provider may have to load before it answers.

    Where ``ModelLoading`` comes, it waits for the estimated time (``retry_after``; a third of ``cap`` where there is none, and
    then the rest) and asks again: three requests at most, ``cap`` seconds in all, a stream only before its first event. A wait
    that would outlast the call's time-out ``total`` is not begun. The ``ModelLoading`` that it raises in the end tells the
    estimate, and is not ``retryable``: what may be waited for has been. A response tells the wait in a notice, and each try in
    ``attempts``.
    """

    cap: float

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        patience = _Patience[RequestT, ResponseT](self.card.model, self.cap, request, runtime)
        while True:
            try:
                return patience.signed(await self.inner.call(patience.asked(), runtime))
            except ModelLoading as error:
                await patience.wait(error)

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        patience = _Patience[RequestT, ResponseT](self.card.model, self.cap, request, runtime)
        begun = False
        while True:
            try:
                async with aclosing(self.inner.stream(patience.asked(), runtime)) as events:
                    async for event in events:
                        begun = True
                        yield patience.finished(event)
                return
            except ModelLoading as error:
                if begun:
                    raise
                await patience.wait(error)


@dataclass(slots=True)
class _Patience(Generic[RequestT, ResponseT]):
    """What is left of it, in one call."""

    model: str
    cap: float
    request: RequestT
    runtime: Runtime
    failed: list[Attempt] = field(default_factory=list)
    tell: Callable[[float, ModelLoading], object] | None = None
    started: float = 0.0
    began: float = 0.0
    slept: float = 0.0

    def __post_init__(self) -> None:
        self.started = self.began = self.runtime.now()
        self.request, self.tell = _without_callback(self.request, self.model.partition(":")[0])

    def asked(self) -> RequestT:
        """The request, with the time that is left for it."""
        total = self.request.timeouts.total
        if not self.failed or total is None:
            return self.request
        return replace(self.request, timeouts=replace(self.request.timeouts, total=max(total - self._passed(), 0.001)))

    async def wait(self, error: ModelLoading) -> None:
        """Let as much time pass as it is worth. Raises the error where that is none."""
        seconds = self._seconds(error)
        self.failed.append(Attempt(self.model, _alone(error)))
        if seconds is None:
            raise self._given_up(error)
        if self.tell is not None:
            self.tell(seconds, error)
        await self.runtime.sleep(seconds)
        self.slept += seconds
        self.began = self.runtime.now()

    def signed(self, response: ResponseT) -> ResponseT:
        """The response, telling of the attempts before it, and timed from the first one's start."""
        if not self.failed:
            return response
        before, timing = self.began - self.started, response.timing
        first = None if timing.first_token is None else timing.first_token + before
        total = None if timing.total is None else timing.total + before
        notice = Notice("cold_start", f"{self.model} was being loaded: it was waited for, for {self.slept:.1f} s.")
        return replace(
            response,
            attempts=(*self.failed, *(response.attempts or (Attempt(self.model),))),
            notices=(*response.notices, notice),
            timing=Timing(first_token=first, total=total),
        )

    def finished(self, event: Any) -> Any:
        """The event, which tells the same if it is the last one."""
        return Finished(self.signed(event.response)) if self.failed and isinstance(event, Finished) else event

    def _seconds(self, error: ModelLoading) -> float | None:
        left = self.cap - self._passed()
        if left <= 0 or len(self.failed) + 1 >= _REQUESTS:
            return None
        told = error.retry_after
        guess = left if self.failed else self.cap / _SHARE
        seconds = min(left, told or guess)
        total = self.request.timeouts.total
        return None if total is not None and seconds >= total - self._passed() else seconds

    def _passed(self) -> float:
        return self.runtime.now() - self.started

    def _given_up(self, error: ModelLoading) -> ModelLoading:
        *before, last = self.failed
        told = "" if error.retry_after is None else f" Its provider estimates {error.retry_after:g} s more."
        waited = (
            f"It was waited for, for {self.slept:.1f} s (cold_start = {self.cap:g})" if self.slept else "It was not waited for"
        )
        advice = "" if self.cap <= 0 else "; a longer cold_start and time-out `total` allow more"
        raised: ModelLoading = last.error if isinstance(last.error, ModelLoading) else error
        raised.args = (f"{error.message.rstrip('.')}.{told} {waited}{advice}.",)
        raised.retryable = False
        raised.attempts = tuple(before)
        return raised


def _without_callback(request: RequestT, provider: str) -> tuple[RequestT, Callable[[float, ModelLoading], object] | None]:
    """The request as it may be sent, and whom to tell."""
    extra: Mapping[str, Any] = request.extra.get(provider, {})
    if ON_LOADING not in extra:
        return request, None
    if not callable(extra[ON_LOADING]):
        raise InvalidRequest(f"extra: {ON_LOADING} is {extra[ON_LOADING]!r}; it is a function of the seconds and the error.")
    rest = {name: value for name, value in extra.items() if name != ON_LOADING}
    return replace(request, extra={**request.extra, provider: rest}), extra[ON_LOADING]


def _alone(error: ModelLoading) -> ModelLoading:
    """A copy without frames, whose variables would be kept with it."""
    return copy(error).with_traceback(None)
