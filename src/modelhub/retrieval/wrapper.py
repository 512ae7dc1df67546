"""Retrieval: before the model is asked, the passages that answer the question are put on the request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelhub.interfaces.text import TextEvent, TextRequest, TextResponse
from modelhub.model import Runtime, Wrapper

if TYPE_CHECKING:
    from modelhub.retrieval.index import Index

__all__ = ["Retrieval"]


@dataclass(frozen=True)
class Retrieval(Wrapper[TextRequest, TextResponse[Any], TextEvent]):
    """A text model that is given the passages an index finds for the question. A request that brings its own is left as it
    is.
    """

    index: Index

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        return await self.inner.call(await self._backed(request, runtime), runtime)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        backed = await self._backed(request, runtime)
        async with aclosing(self.inner.stream(backed, runtime)) as events:
            async for event in events:
                yield event

    async def _backed(self, request: TextRequest, runtime: Runtime) -> TextRequest:
        if request.passages:
            return request
        return replace(request, passages=await self.index.search(request.question, runtime))
