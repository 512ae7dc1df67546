"""A model behind a server that may not be running: then the error says how it is started."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from modelhub.plugin import Request, Response, Runtime, Unreachable, Wrapper

__all__ = ["Served"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


@dataclass(frozen=True, eq=False, repr=False)
class Served(Wrapper[RequestT, ResponseT, EventT]):
    """The model, whose ``Unreachable`` ends with ``advice``."""

    advice: str = field(repr=False)

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        try:
            return await self.inner.call(request, runtime)
        except Unreachable as error:
            raise self._advised(error) from None

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        try:
            async with aclosing(self.inner.stream(request, runtime)) as events:
                async for event in events:
                    yield event
        except Unreachable as error:
            raise self._advised(error) from None

    async def count_tokens(self, request: RequestT, runtime: Runtime) -> int | None:
        try:
            return await super().count_tokens(request, runtime)
        except Unreachable as error:
            raise self._advised(error) from None

    def __repr__(self) -> str:
        return f"Served({self.inner!r})"

    def _advised(self, error: Unreachable) -> Unreachable:
        error.args = (f"{error.message} {self.advice}",)
        return error
