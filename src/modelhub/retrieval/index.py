"""An index: documents cut into passages, found again by words, by meaning, or by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from modelhub.errors import AnswerError, ConfigError, InvalidRequest
from modelhub.interfaces.content import Passage
from modelhub.retrieval.fusion import fused
from modelhub.retrieval.lexical import Bm25
from modelhub.retrieval.meaning import Meaning
from modelhub.retrieval.once import Turn
from modelhub.retrieval.reading import Entry, passages, read
from modelhub.retrieval.report import IndexReport, Skipped
from modelhub.retrieval.sources import find
from modelhub.retrieval.store import Kept, Store, store_folder
from modelhub.retrieval.tokens import count_tokens
from modelhub.retrieval.vectors import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelhub.config.specs import IndexSpec
    from modelhub.interfaces.embedding import EmbeddingModel
    from modelhub.interfaces.reranking import RerankingModel
    from modelhub.model import Runtime

__all__ = ["Index", "IndexReport", "Mode", "Progress", "Skipped"]

Mode = Literal["bm25", "vector", "hybrid"]
Progress = Callable[[int, int, str], None]
"""Told ``(done, total, what)`` while an index is built; it may be called from another thread."""

_WIDER = 4


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a search needs. Passages, BM25's texts and vectors share one order."""

    passages: tuple[Passage, ...]
    words: Bm25
    vectors: Vectors | None
    kept: Kept


@dataclass(frozen=True, slots=True)
class _Read:
    """The sources as they are now, before anything is embedded."""

    entries: Mapping[str, Entry]
    skipped: tuple[Skipped, ...]
    before: Kept | None
    rebuilt: str


class Index:
    """The documents of ``[indexes.NAME]``. It is built when it is first searched, and may serve many threads and loops at once.

    ``folder`` is what the sources' and the store's relative paths start from. ``count`` counts tokens where a better counter
    than the estimate is at hand. Raises ``ConfigError`` where the configuration asks for vectors and names no embedding model.
    """

    def __init__(
        self,
        name: str,
        spec: IndexSpec,
        folder: str,
        embedder: EmbeddingModel | None = None,
        reranker: RerankingModel | None = None,
        *,
        count: Callable[[str], int] = count_tokens,
    ) -> None:
        if spec.search.mode in ("vector", "hybrid") and embedder is None:
            raise ConfigError(f"[indexes.{name}] searches by {spec.search.mode}: name an `embedding` model, or search by bm25.")
        self.name = name
        self.spec = spec
        self.folder = folder
        self.embedder = embedder
        self.reranker = reranker
        self._meaning = None if embedder is None else Meaning(embedder)
        self._count = count
        self._store = None if spec.store is None else Store(store_folder(spec.store, folder))
        self._ready: _Ready | None = None
        self._turn = Turn()

    async def prepare(self, runtime: Runtime, progress: Progress | None = None) -> IndexReport:
        """Bring the index up to date with its sources: only what is new is read, cut and embedded; then say what was done.

        Raises ``ConfigError`` where a source matches nothing, ``InvalidRequest`` where a file cannot be read.
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

    async def _found(self, query: str, runtime: Runtime, ready: _Ready, depth: int, mode: Mode) -> list[tuple[int, float]]:
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

    async def _prepared(self, runtime: Runtime) -> _Ready:
        if (ready := self._ready) is None:
            async with self._turn.taken(runtime):
                if self._ready is None:
                    await self._prepare(runtime, _silent)
                ready = self._ready
        assert ready is not None
        return ready

    async def _prepare(self, runtime: Runtime, progress: Progress) -> IndexReport:
        began = runtime.now()
        found = await runtime.in_thread(self._read, progress)
        known = await runtime.in_thread(self._known_vectors, found.before)
        texts = [_indexed(passage) for entry in found.entries.values() for passage in entry.passages]
        new: list[str] = []
        if self._meaning is not None:
            new = list(dict.fromkeys(text for text in texts if text not in known))
            known.update(zip(new, await self._meaning.of_all(new, runtime, progress), strict=True))
        self._ready = await runtime.in_thread(self._finish, found, texts, known)
        return self._report(found, len(new), runtime.now() - began)

    def _read(self, progress: Progress) -> _Read:
        before, rebuilt = self._before()
        names = find(self.spec.sources, self.folder, leave_out=self.spec.store)
        chunk = self.spec.chunk
        cut = partial(passages, tokens=chunk.tokens, overlap=chunk.overlap, count=self._count)
        known = {} if before is None or before.recipe.get("chunk") != self._recipe["chunk"] else before.entries
        entries, skipped = read(names, self.folder, known, cut, progress, named=frozenset(self.spec.sources))
        return _Read(entries, tuple(skipped), before, rebuilt)

    @property
    def _recipe(self) -> dict[str, Any]:
        chunk = {"tokens": self.spec.chunk.tokens, "overlap": self.spec.chunk.overlap, "cutter": 1}
        return {"chunk": chunk, "embedding": None if self._meaning is None else self._meaning.model}

    def _before(self) -> tuple[Kept | None, str]:
        """What an earlier time left, here or in the store, and what of it cannot be used any more."""
        if self._ready is not None:
            return self._ready.kept, ""
        kept, reason = (None, "") if self._store is None else self._store.open()
        if kept is None:
            return None, reason
        return kept, _difference(kept.recipe, self._recipe)

    def _known_vectors(self, before: Kept | None) -> dict[str, NDArray[np.float32]]:
        """The vectors that can be taken over, by the text they were made of."""
        if before is None or before.vectors is None or before.recipe.get("embedding") != self._recipe["embedding"]:
            return {}
        texts = (_indexed(passage) for entry in before.entries.values() for passage in entry.passages)
        return dict(zip(texts, before.vectors, strict=True))

    def _finish(self, found: _Read, texts: list[str], vectors: Mapping[str, NDArray[np.float32]]) -> _Ready:
        matrix = None if self._meaning is None else self._meaning.stacked([vectors[text] for text in texts])
        kept = Kept(recipe=self._recipe, entries=found.entries, vectors=matrix)
        if self._store is not None and not _same(found.before, kept):
            self._store.save(kept)
        every = tuple(passage for entry in found.entries.values() for passage in entry.passages)
        words = self._ready.words if self._ready is not None and self._ready.passages == every else Bm25.build(texts)
        return _Ready(every, words, None if matrix is None else Vectors(matrix), kept)

    def _report(self, found: _Read, embedded: int, seconds: float) -> IndexReport:
        before = {} if found.before is None else found.before.entries
        now = found.entries
        return IndexReport(
            name=self.name,
            added=tuple(name for name in now if name not in before),
            changed=tuple(name for name in now if name in before and before[name].source != now[name].source),
            removed=tuple(name for name in before if name not in now),
            unchanged=tuple(name for name in now if name in before and before[name].source == now[name].source),
            skipped=found.skipped,
            passages=sum(len(entry.passages) for entry in now.values()),
            embedded=embedded,
            seconds=seconds,
            rebuilt=found.rebuilt,
        )


def _silent(done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""


def _indexed(passage: Passage) -> str:
    """What words and vectors are taken from: the titles above the passage help to find it."""
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    reasons = []
    if before.get("chunk") != now["chunk"]:
        reasons.append("the documents are cut in another way")
    if before.get("embedding") != now["embedding"]:
        reasons.append(f"the embedding model was {before.get('embedding')} and is {now['embedding']}")
    return "; ".join(reasons)


def _same(before: Kept | None, now: Kept) -> bool:
    return before is not None and before.recipe == now.recipe and dict(before.entries) == dict(now.entries)
