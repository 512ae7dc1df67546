"""Retrieval: before the model is asked, the passages that answer the question are put on the request."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, Notice, Runtime, Wrapper

if TYPE_CHECKING:
    from modelhub.interfaces.events import TextEvent
    from modelhub.retrieval.index import Index

__all__ = ["Retrieval"]


@dataclass(frozen=True)
class Retrieval(Wrapper[TextRequest, TextResponse[Any], "TextEvent"]):
    """A text model that is given the passages an index finds for the question. A request that brings its own is left as it
    is.
    """

    index: Index

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        backed = await self._backed(request, runtime)
        return self._told(backed, await self.inner.call(backed, runtime))

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        backed = await self._backed(request, runtime)
        async with aclosing(self.inner.stream(backed, runtime)) as events:
            async for event in events:
                yield Finished(self._told(backed, event.response)) if isinstance(event, Finished) else event

    async def _backed(self, request: TextRequest, runtime: Runtime) -> TextRequest:
        if request.passages:
            return request
        return replace(request, passages=await self.index.search(request.question, runtime))

    def _told(self, backed: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
        if backed.passages:
            return response
        notice = Notice("retrieval", f"The index {self.index.name!r} has nothing on this question: no passage was given.")
        return replace(response, notices=(notice, *response.notices))
