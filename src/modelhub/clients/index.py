"""An index of documents: ``search`` it, ``build`` it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from modelhub.interfaces.passages import Passage
from modelhub.model import Runtime
from modelhub.transport.drive import drive

if TYPE_CHECKING:
    from modelhub.retrieval.index import Index, IndexReport

__all__ = ["AsyncIndexClient", "IndexClient"]

Progress = Callable[[int, int, str], None]
SearchMode = Literal["bm25", "vector", "hybrid"]


@dataclass(frozen=True, slots=True)
class IndexClient:
    """An index by its name, blocking."""

    index: Index
    runtime: Runtime

    def search(self, query: str, *, top_k: int | None = None, mode: SearchMode | None = None) -> tuple[Passage, ...]:
        """The passages that answer the query best, the best first. Builds the index where that has not happened yet."""
        return drive(self.index.search(query, self.runtime, top_k=top_k, mode=mode))

    def build(self, progress: Progress | None = None) -> IndexReport:
        """Bring the index up to date with its sources. ``progress(done, total, what)`` is told how far it is."""
        return drive(self.index.prepare(self.runtime, progress))


@dataclass(frozen=True, slots=True)
class AsyncIndexClient:
    """An index by its name, awaited."""

    index: Index
    runtime: Runtime

    async def search(self, query: str, *, top_k: int | None = None, mode: SearchMode | None = None) -> tuple[Passage, ...]:
        """The passages that answer the query best, the best first. Builds the index where that has not happened yet."""
        return await self.index.search(query, self.runtime, top_k=top_k, mode=mode)

    async def build(self, progress: Progress | None = None) -> IndexReport:
        """Bring the index up to date with its sources. ``progress(done, total, what)`` is told how far it is."""
        return await self.index.prepare(self.runtime, progress)
