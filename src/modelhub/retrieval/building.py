"""Bringing an index up to date: what is new is read, cut and embedded; everything else is taken over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from modelhub.interfaces.passages import Passage
from modelhub.retrieval.lexical import Bm25
from modelhub.retrieval.meaning import Meaning
from modelhub.retrieval.reading import Entry, passages, read
from modelhub.retrieval.report import IndexReport, Skipped
from modelhub.retrieval.sources import find
from modelhub.retrieval.store import Kept, Store
from modelhub.retrieval.vectors import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelhub.config.specs import IndexSpec
    from modelhub.model import Runtime

__all__ = ["Builder", "Built", "Progress"]

Progress = Callable[[int, int, str], None]
"""Told ``(done, total, what)`` while an index is built; it may be called from another thread."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a search needs. Passages, BM25's texts and vectors share one order. ``kept`` is what the next build starts from."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """How one index is made."""

    name: str
    spec: IndexSpec
    folder: str
    meaning: Meaning | None
    store: Store | None
    count: Callable[[str], int]
    exact: bool = False
    """Whether ``count`` is the embedding model's own."""

    async def build(self, before: Built | None, runtime: Runtime, progress: Progress) -> tuple[Built, IndexReport]:
        """The index as its sources are now, and what was done to get there; ``before`` is the index as it was, if any."""
        began = runtime.now()
        found = await runtime.in_thread(self._read, before, progress)
        known = await runtime.in_thread(self._known_vectors, found.before)
        texts = [_indexed(passage) for entry in found.entries.values() for passage in entry.passages]
        new: list[str] = []
        if self.meaning is not None:
            new = list(dict.fromkeys(text for text in texts if text not in known))
            known.update(zip(new, await self.meaning.of_all(new, runtime, progress), strict=True))
        built = await runtime.in_thread(self._finish, found, texts, known)
        return built, self._report(found, len(new), runtime.now() - began)

    def _read(self, built: Built | None, progress: Progress) -> _Read:
        before, rebuilt = self._before(built)
        names = find(self.spec.sources, self.folder, leave_out=self.spec.store)
        cut = partial(passages, tokens=self._tokens, overlap=self.spec.chunk.overlap, count=self.count)
        known = {} if before is None or before.recipe.get("chunk") != self._recipe["chunk"] else before.entries
        entries, skipped = read(names, self.folder, known, cut, progress, named=frozenset(self.spec.sources))
        return _Read(entries, tuple(skipped), before, rebuilt)

    @property
    def _tokens(self) -> int:
        """What a passage counts at most: as configured, or what the embedding model takes, where that is less."""
        taken = None if self.meaning is None else self.meaning.longest
        return self.spec.chunk.tokens if taken is None else min(self.spec.chunk.tokens, taken)

    @property
    def _recipe(self) -> dict[str, Any]:
        model = None if self.meaning is None else self.meaning.model
        counter = model if self.exact else None
        chunk = {"tokens": self._tokens, "overlap": self.spec.chunk.overlap, "cutter": 3, "counter": counter}
        return {"chunk": chunk, "words": 1, "embedding": model}

    def _before(self, built: Built | None) -> tuple[Kept | None, str]:
        """What an earlier time left, here or in the store, and what of it cannot be used any more."""
        if built is not None:
            return built.kept, ""
        kept, reason = (None, "") if self.store is None else self.store.open()
        if kept is None:
            return None, reason
        return kept, _difference(kept.recipe, self._recipe)

    def _known_vectors(self, before: Kept | None) -> dict[str, NDArray[np.float32]]:
        """The vectors that can be taken over, by the text they were made of."""
        if before is None or before.vectors is None or before.recipe.get("embedding") != self._recipe["embedding"]:
            return {}
        texts = (_indexed(passage) for entry in before.entries.values() for passage in entry.passages)
        return dict(zip(texts, before.vectors, strict=True))

    def _finish(self, found: _Read, texts: list[str], vectors: Mapping[str, NDArray[np.float32]]) -> Built:
        matrix = None if self.meaning is None else self.meaning.stacked([vectors[text] for text in texts])
        words = self._known_words(found) or Bm25.build(texts)
        kept = Kept(recipe=self._recipe, entries=found.entries, vectors=matrix, words=words)
        if self.store is not None and not _same(found.before, kept):
            self.store.save(kept)
        every = tuple(passage for entry in found.entries.values() for passage in entry.passages)
        return Built(every, words, None if matrix is None else Vectors(matrix), kept)

    def _known_words(self, found: _Read) -> Bm25 | None:
        """The words that can be taken over: those of the same passages in the same order, cut into terms in the same way."""
        before = found.before
        if before is None or before.recipe.get("words") != self._recipe["words"]:
            return None
        return before.words if list(before.entries.items()) == list(found.entries.items()) else None

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
            chunk_tokens=self._tokens,
            counter="exact" if self.exact else "approximate",
        )


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
