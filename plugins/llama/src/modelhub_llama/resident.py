"""A model that is loaded when it is asked, and shared with whoever asks the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import Finished, Model, ModelCard, Plan, Request, Runtime, engines
from modelhub_llama.engine import LlamaEngine

__all__ = ["Resident"]


@dataclass(frozen=True, eq=False)
class Resident:
    """The model that ``over`` makes of a loaded engine.

    Every call goes as a stream, so that a caller who leaves stops the engine at its next token.
    """

    card: ModelCard
    plan: Plan[LlamaEngine]
    over: Callable[[LlamaEngine], Model[Any, Any, Any]]
    streamed: bool

    async def call(self, request: Request, runtime: Runtime) -> Any:
        if self.streamed:
            async with aclosing(self.stream(request, runtime)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        return event.response
        async with engines().lease(self.plan, runtime) as engine:
            return await self.over(engine).call(request, runtime)

    async def count_tokens(self, request: Request, runtime: Runtime) -> int | None:
        """The exact number of tokens of a request; the model is loaded for it."""
        async with engines().lease(self.plan, runtime) as engine:
            count = getattr(self.over(engine), "count_tokens", None)
            counted: int | None = None if count is None else await count(request, runtime)
            return counted

    async def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:
        async with (
            engines().lease(self.plan, runtime) as engine,
            aclosing(self.over(engine).stream(request, runtime)) as events,
        ):
            async for event in events:
                yield event
