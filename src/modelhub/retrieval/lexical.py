"""Finding texts by the terms they share with a query: Okapi BM25 over postings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelhub.retrieval.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bm25", "terms"]

_SATURATION = 1.2
_LENGTH = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Bm25:
    """An index of texts, which are known by their position.

    Term ``t`` occurs in the texts ``documents[offsets[t]:offsets[t + 1]]``, as often as ``frequencies`` says there; ``lengths``
    counts the terms of each text.
    """

    vocabulary: Mapping[str, int]
    offsets: NDArray[np.int64]
    documents: NDArray[np.int32]
    frequencies: NDArray[np.int32]
    lengths: NDArray[np.int32]

    @classmethod
    def build(cls, texts: Iterable[str]) -> Bm25:
        """The index of these texts, in their order."""
        import numpy as np

        postings: dict[str, list[tuple[int, int]]] = {}
        lengths = []
        for position, text in enumerate(texts):
            counts = Counter(terms(text))
            lengths.append(counts.total())
            for term, count in counts.items():
                postings.setdefault(term, []).append((position, count))
        pairs = np.array([pair for found in postings.values() for pair in found], np.int32).reshape(-1, 2)
        offsets = np.zeros(len(postings) + 1, np.int64)
        np.cumsum([len(found) for found in postings.values()], out=offsets[1:])
        vocabulary = {term: number for number, term in enumerate(postings)}
        return cls(vocabulary, offsets, pairs[:, 0].copy(), pairs[:, 1].copy(), np.array(lengths, np.int32))

    def __len__(self) -> int:
        return len(self.lengths)

    def rarity(self, term: str) -> float:
        """How much a term tells: the logarithm of one over the share of texts that have it; most for a term that none has."""
        from math import log

        number = self.vocabulary.get(term)
        having = 0 if number is None else int(self.offsets[number + 1] - self.offsets[number])
        return log(1 + (len(self) - having + 0.5) / (having + 0.5))

    def scores(self, query: str) -> NDArray[np.float32]:
        """The score of every text, by position: 0 where it shares no term with the query, above 0 where it does."""
        import numpy as np

        totals = np.zeros(len(self), np.float32)
        average = float(self.lengths.mean()) if len(self) else 1.0
        for term, times in Counter(terms(query)).items():
            number = self.vocabulary.get(term)
            if number is None:
                continue
            place = slice(int(self.offsets[number]), int(self.offsets[number + 1]))
            found, frequency = self.documents[place], self.frequencies[place].astype(np.float32)
            length = 1 - _LENGTH + _LENGTH * self.lengths[found] / average
            gain = frequency * (_SATURATION + 1) / (frequency + _SATURATION * length)
            totals[found] += (times * self.rarity(term) * gain).astype(np.float32)
        return totals

    def search(self, query: str, top_k: int) -> list[tuple[int, float]]:
        """The ``top_k`` best texts as ``(position, score)``, best first, equals in their order; never one that scores 0."""
        import numpy as np

        scores = self.scores(query)
        found = np.flatnonzero(scores > 0)
        best = found[np.argsort(-scores[found], kind="stable")][: max(top_k, 0)]
        return [(int(position), float(scores[position])) for position in best]

    def to_data(self) -> dict[str, Any]:
        """Plain data to keep: ``terms`` is a list of strings, the rest are arrays of integers."""
        names = ("offsets", "documents", "frequencies", "lengths")
        return {"terms": list(self.vocabulary), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Bm25:
        """The index that ``to_data`` gave; lists will do for arrays. Raises ``ValueError`` where the parts do not fit."""
        import numpy as np

        vocabulary = {str(term): number for number, term in enumerate(data["terms"])}
        offsets = np.asarray(data["offsets"], np.int64)
        documents, frequencies, lengths = (np.asarray(data[name], np.int32) for name in ("documents", "frequencies", "lengths"))
        if len(offsets) != len(vocabulary) + 1 or not len(documents) == len(frequencies) == int(offsets[-1]):
            raise ValueError("The parts of this BM25 index do not belong together: build it again.")
        if offsets[0] or (np.diff(offsets) < 0).any():
            raise ValueError("The places of this BM25 index are out of order: build it again.")
        if len(documents) and not 0 <= int(documents.min()) <= int(documents.max()) < len(lengths):
            raise ValueError("This BM25 index points at texts that it does not have: build it again.")
        return cls(vocabulary, offsets, documents, frequencies, lengths)
