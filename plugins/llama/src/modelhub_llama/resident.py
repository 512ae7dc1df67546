"""A model that is loaded when it is asked, and shared with whoever asks the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from modelhub.plugin import (
    Finished,
    Model,
    ModelCard,
    ModelhubError,
    Plan,
    Request,
    Response,
    Runtime,
    StreamBroken,
    Timeouts,
    engines,
)
from modelhub_llama.engine import LlamaEngine

__all__ = ["Resident"]

ResponseT = TypeVar("ResponseT", bound=Response)


@dataclass(frozen=True, eq=False, repr=False)
class Resident:
    """The model that ``over`` makes of a loaded engine.

    Every call goes as a stream, so that a caller who leaves stops the engine at its next token.
    """

    card: ModelCard
    plan: Plan[LlamaEngine]
    over: Callable[[LlamaEngine], Model[Any, Any, Any]]
    streamed: bool

    def __repr__(self) -> str:
        return f"Resident({self.card.model!r})"

    async def call(self, request: Request, runtime: Runtime) -> Any:
        if self.streamed:
            return await self._collected(request, runtime)
        async with self._loaded(request, runtime, call=True) as (model, request):
            return self._named(await model.call(request, runtime))

    async def _collected(self, request: Request, runtime: Runtime) -> Any:
        """A stream as a call: without a time-out for its first token, and what breaks it is the call's own error."""
        try:
            async with aclosing(self._events(request, runtime, call=True)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        return event.response
        except StreamBroken as error:
            why = error.__cause__
            if not isinstance(why, ModelhubError):
                raise
            why.partial = error.partial
            raise why from why.__cause__
        raise StreamBroken(f"{self.plan.name} gave no end to its answer.")

    async def count_tokens(self, request: Request, runtime: Runtime) -> int | None:
        """The exact number of tokens of a request; the model is loaded for it."""
        async with self._loaded(request, runtime, call=True) as (model, request):
            count = getattr(model, "count_tokens", None)
            counted: int | None = None if count is None else await count(request, runtime)
            return counted

    async def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:
        async with aclosing(self._events(request, runtime, call=False)) as events:
            async for event in events:
                yield event

    async def _events(self, request: Request, runtime: Runtime, *, call: bool) -> AsyncGenerator[Any, None]:
        async with (
            self._loaded(request, runtime, call=call) as (model, request),
            aclosing(model.stream(request, runtime)) as events,
        ):
            try:
                async for event in events:
                    yield Finished(self._named(event.response)) if isinstance(event, Finished) else event
            except ModelhubError as error:
                if isinstance(error.partial, Response):
                    error.partial = self._named(error.partial)
                raise

    def _named(self, response: ResponseT) -> ResponseT:
        """The response under the name that was asked for, where the engine tells the file's place on this machine."""
        return replace(response, model=self.card.model.partition(":")[2])

    @asynccontextmanager
    async def _loaded(self, request: Request, runtime: Runtime, *, call: bool) -> AsyncIterator[tuple[Any, Any]]:
        """The model, and the request with the time that loading has left it."""
        timeouts = replace(request.timeouts, first_token=None) if call else request.timeouts
        started = runtime.now()
        async with engines().lease(self.plan, runtime, timeouts) as engine:
            engine.check()
            yield self.over(engine), replace(request, timeouts=_less(timeouts, runtime.now() - started))


def _less(timeouts: Timeouts, passed: float) -> Timeouts:
    if passed < _NOTABLE:
        return timeouts
    left = {name: max(seconds - passed, _NOTABLE) for name in _WHOLE if (seconds := getattr(timeouts, name)) is not None}
    return replace(timeouts, **left)


_WHOLE = ("first_token", "total")
_NOTABLE = 0.001
