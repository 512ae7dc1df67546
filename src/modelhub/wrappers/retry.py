"""Retry: the same model is asked again after an error that passes. Nothing else in the house sends a request twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from modelhub.errors import ModelhubError
from modelhub.model import Model, Request, Response, Runtime, Wrapper

if TYPE_CHECKING:
    from modelhub.wrappers.attempts import Attempts
    from modelhub.wrappers.circuit import Circuit

__all__ = ["Retry"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


class Retry(Wrapper[RequestT, ResponseT, EventT]):
    """Asks up to ``times`` times more where an error is ``retryable``; a stream only before its first event.

    It waits as long as the provider says (``retry_after``), and raises at once where that is longer than ``max_wait`` seconds;
    where the provider says nothing, ever longer, by chance. ``timeouts.total`` holds for all of it together. With a
    ``circuit``, it stops asking as soon as that is open.
    """

    times: int
    max_wait: float
    circuit: Circuit | None

    def __init__(
        self,
        inner: Model[RequestT, ResponseT, EventT],
        times: int = 2,
        max_wait: float = 60.0,
        circuit: Circuit | None = None,
    ) -> None:  # by hand: this class is made on the way of every start, and a dataclass costs more
        self.__dict__.update(inner=inner, times=times, max_wait=max_wait, circuit=circuit)

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        started = runtime.now()
        try:
            return await self.inner.call(request, runtime)
        except ModelhubError as error:
            attempts = self._attempts(error, request, runtime, started)
        return attempts.signed(await attempts.made(lambda again: self.inner.call(again, runtime)))

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        started = runtime.now()
        events, attempts = self.inner.stream(request, runtime), None
        try:
            event = await anext(events, None)
        except ModelhubError as error:
            attempts = self._attempts(error, request, runtime, started)
        if attempts is not None:
            event, events = await attempts.made(lambda again: _begun(self.inner.stream(again, runtime)))
            events = attempts.followed(events)
        async with aclosing(events):
            if event is not None:
                yield event if attempts is None else attempts.finished(event)
            async for event in events:
                yield event

    def _attempts(
        self, error: ModelhubError, request: RequestT, runtime: Runtime, started: float
    ) -> Attempts[RequestT, ResponseT, EventT]:
        """What is to be done after a first failure. Raises it where there is nothing to be done."""
        times = self.times if request.retries is None else request.retries
        if not (error.retryable and times):
            raise error
        from modelhub.wrappers.attempts import Attempts

        return Attempts(self, times, error, request, runtime, started)


async def _begun(events: AsyncGenerator[EventT, None]) -> tuple[EventT | None, AsyncGenerator[EventT, None]]:
    """A stream's first event, and the others."""
    return await anext(events, None), events
