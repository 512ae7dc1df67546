"""Timing: how long an answer took and who gave it, for models that do not say so themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from modelhub.model import Attempt, Finished, Request, Response, Runtime, Timing, Wrapper

__all__ = ["Timed"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


class Timed(Wrapper[RequestT, ResponseT, EventT]):
    """Fills ``timing`` and ``attempts`` where the model has left them empty."""

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        start = runtime.now()
        response = await self.inner.call(request, runtime)
        return self._signed(response, Timing(total=runtime.now() - start))

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        start, first = runtime.now(), None
        async with aclosing(self.inner.stream(request, runtime)) as events:
            async for event in events:
                if first is None:
                    first = runtime.now() - start
                if isinstance(event, Finished):
                    yield self._finished(event, Timing(first_token=first, total=runtime.now() - start))
                else:
                    yield event

    def _signed(self, response: ResponseT, timing: Timing) -> ResponseT:
        if response.timing.total is not None and response.attempts:
            return response
        attempts = response.attempts or (Attempt(self.card.model),)
        return replace(response, attempts=attempts, timing=timing if response.timing.total is None else response.timing)

    def _finished(self, event: Any, timing: Timing) -> Any:
        return Finished(self._signed(event.response, timing))
