"""An index: documents cut into passages, found again by words, by meaning, or by both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from modelhub.errors import AnswerError, ConfigError, InvalidRequest
from modelhub.interfaces.passages import Passage
from modelhub.retrieval.building import Builder, Built, Progress
from modelhub.retrieval.fusion import fused
from modelhub.retrieval.meaning import Meaning
from modelhub.retrieval.once import Turn
from modelhub.retrieval.report import IndexReport, Skipped
from modelhub.retrieval.store import Store, store_folder
from modelhub.retrieval.tokens import count_tokens

if TYPE_CHECKING:
    from modelhub.config.specs import IndexSpec
    from modelhub.interfaces.embedding import EmbeddingModel
    from modelhub.interfaces.reranking import RerankingModel
    from modelhub.model import Runtime

__all__ = ["Index", "IndexReport", "Mode", "Progress", "Skipped"]

Mode = Literal["bm25", "vector", "hybrid"]

_WIDER = 4
"""How many times more candidates are looked at where two rankings are merged, or one is put into a better order."""


class Index:
    """The documents of ``[indexes.NAME]``. It is built when it is first searched, and may serve many threads and loops at once.

    ``folder`` is what the sources' and the store's relative paths start from. ``count`` counts the tokens of a passage; left
    out, the embedding model's own counter does, where it has one, else an estimate that errs upward.

    Raises ``ConfigError`` where the configuration names no sources, no folder of its own to keep the index in, or asks for
    vectors and names no embedding model.
    """

    def __init__(
        self,
        name: str,
        spec: IndexSpec,
        folder: str,
        embedder: EmbeddingModel | None = None,
        reranker: RerankingModel | None = None,
        *,
        count: Callable[[str], int] | None = None,
    ) -> None:
        if spec.search.mode in ("vector", "hybrid") and embedder is None:
            raise ConfigError(f"[indexes.{name}] searches by {spec.search.mode}: name an `embedding` model, or search by bm25.")
        if not spec.sources or not all(source.strip() for source in spec.sources):
            raise ConfigError(
                f"[indexes.{name}] has an empty source: `sources` names files, folders or patterns ('docs/**/*.md')."
            )
        self.name = name
        self.spec = spec
        self.folder = folder
        self.embedder = embedder
        self.reranker = reranker
        self._meaning = None if embedder is None else Meaning(embedder)
        store = None if spec.store is None else Store(store_folder(spec.store, folder))
        counter: Callable[[str], int] | None = count or getattr(embedder, "counter", None)
        self._builder = Builder(
            name=name,
            spec=spec,
            folder=folder,
            meaning=self._meaning,
            store=store,
            count=counter or count_tokens,
            exact=counter is not None,
        )
        self._built: Built | None = None
        self._turn = Turn()

    async def prepare(self, runtime: Runtime, progress: Progress | None = None) -> IndexReport:
        """Bring the index up to date with its sources: only what is new is read, cut and embedded; then say what was done.

        What a folder or a pattern brings and cannot be read is skipped, and the report says why. Raises ``ConfigError`` where a
        source matches nothing, ``InvalidRequest`` or ``PluginMissing`` where a file that a source names cannot be read.
        """
        async with self._turn.taken(runtime):
            return await self._prepare(runtime, progress or _silent)

    async def search(
        self, query: str, runtime: Runtime, *, top_k: int | None = None, mode: Mode | None = None
    ) -> tuple[Passage, ...]:
        """The ``top_k`` passages that answer the query best, best first; fewer where fewer have anything to do with it.

        ``score`` is BM25's, the cosine, the fused places' or the reranking model's, as the index is configured: it orders
        the passages of one search and says nothing across searches.
        """
        wanted = self.spec.search.top_k if top_k is None else top_k
        if wanted < 1:
            raise InvalidRequest(f"top_k = {wanted} cannot be: it is at least 1.")
        chosen = self._mode(mode)
        if not query.strip():
            return ()
        ready = await self._prepared(runtime)
        depth = wanted if self.reranker is None else wanted * _WIDER
        found = await self._found(query, runtime, ready, depth, chosen)
        hits = tuple(replace(ready.passages[place], score=score) for place, score in found)
        return hits if self.reranker is None else await self._reranked(self.reranker, query, hits, wanted, runtime)

    def _mode(self, mode: Mode | None) -> Mode:
        chosen = mode or self.spec.search.mode or ("bm25" if self.embedder is None else "hybrid")
        if chosen not in ("bm25", "vector", "hybrid"):
            raise InvalidRequest(f"mode = {chosen!r} cannot be: it is 'bm25', 'vector' or 'hybrid'.")
        if chosen != "bm25" and self.embedder is None:
            raise InvalidRequest(f"The index {self.name!r} has no embedding model, so it cannot search by {chosen}.")
        return chosen

    async def _found(self, query: str, runtime: Runtime, ready: Built, depth: int, mode: Mode) -> list[tuple[int, float]]:
        if mode == "bm25" or ready.vectors is None or self._meaning is None:
            return await runtime.in_thread(ready.words.search, query, depth)
        vector = (await self._meaning.of((query,), "query", runtime))[0]
        if mode == "vector":
            return await runtime.in_thread(ready.vectors.search, vector, depth)
        wide = depth * _WIDER
        by_words = await runtime.in_thread(ready.words.search, query, wide)
        by_meaning = await runtime.in_thread(ready.vectors.search, vector, wide)
        return fused(([place for place, _ in by_words], [place for place, _ in by_meaning]), depth)

    async def _reranked(
        self, reranker: RerankingModel, query: str, hits: tuple[Passage, ...], wanted: int, runtime: Runtime
    ) -> tuple[Passage, ...]:
        from modelhub.interfaces.reranking import RerankingRequest

        if not hits:
            return ()
        request = RerankingRequest(query=query, documents=tuple(hit.text for hit in hits), top_n=wanted)
        response = await reranker.call(request, runtime)
        if not all(0 <= ranked.index < len(hits) for ranked in response.ranking):
            raise AnswerError(f"{reranker.card.model} ranked a document that it was not given.")
        return tuple(replace(hits[ranked.index], score=ranked.score) for ranked in response.ranking[:wanted])

    async def _prepared(self, runtime: Runtime) -> Built:
        if (ready := self._built) is None:
            async with self._turn.taken(runtime):
                if self._built is None:
                    await self._prepare(runtime, _silent)
                ready = self._built
        assert ready is not None
        return ready

    async def _prepare(self, runtime: Runtime, progress: Progress) -> IndexReport:
        self._built, report = await self._builder.build(self._built, runtime, progress)
        return report


def _silent(done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""
