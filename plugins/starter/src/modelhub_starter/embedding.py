"""``starter:hash``: vectors of hashed words and character runs, so that texts that share them are near each other.

Each term (see ``modelhub.retrieval.words``) and each run of three to five letters within a word falls on one dimension, with a
sign, by a checksum that is the same on every machine. What comes again counts less each time; runs of letters count less than
whole terms. Vectors have length 1, so a dot product is the cosine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from math import log1p, sqrt
from typing import Never
from zlib import crc32

from modelhub.plugin import (
    EmbeddingModel,
    EmbeddingRequest,
    EmbeddingResponse,
    InvalidRequest,
    ModelCard,
    Runtime,
    Unsupported,
    Usage,
    count_tokens,
    terms,
)
from modelhub_starter.cards import card
from modelhub_starter.options import StarterOptions

__all__ = ["HashEmbedding", "model"]

_DIMENSIONS = 1024
_RANGE = range(8, 65_537)
_RUNS = (3, 4, 5)
_PART = 0.7


def model(name: str, options: StarterOptions | None) -> EmbeddingModel:  # noqa: ARG001  # nothing to set
    """``starter:hash``. Raises ``UnknownModel`` for any other name."""
    return HashEmbedding(card("embedding", name))


@dataclass(frozen=True)
class HashEmbedding:
    """1,024 dimensions, or as many as the request asks for (8 to 65,536). Raises ``InvalidRequest`` for an empty text."""

    card: ModelCard

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        dimensions = _DIMENSIONS if request.dimensions is None else request.dimensions
        _check(request.inputs, dimensions)
        return EmbeddingResponse(
            model="hash",
            provider="starter",
            buffer=await runtime.in_thread(_vectors, request.inputs, dimensions),
            count=len(request.inputs),
            dimensions=dimensions,
            usage=Usage(input_tokens=sum(map(count_tokens, request.inputs)) or None, source="estimated"),
        )

    def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:  # noqa: ARG002
        raise Unsupported("Vectors come whole: use call.", feature="stream", model=self.card.model)


def _check(inputs: Sequence[str], dimensions: int) -> None:
    if dimensions not in _RANGE:
        raise InvalidRequest(f"dimensions is {dimensions}: starter:hash has {_RANGE[0]} to {_RANGE[-1]}.")
    for position, text in enumerate(inputs):
        if not text.strip():
            raise InvalidRequest(f"Input {position} is empty, and nothing is not near to anything: leave it out.")


def _vectors(inputs: Sequence[str], dimensions: int) -> bytes:
    import numpy as np

    rows = np.zeros((len(inputs), dimensions), np.float64)
    hashes: dict[str, int] = {}
    for row, text in zip(rows, inputs, strict=True):
        weights = _features(text) or {text: 1.0}
        numbers = np.array([_hash(feature, hashes) for feature in weights], np.int64)
        signs = np.where(numbers & 1, 1.0, -1.0)
        np.add.at(row, (numbers >> 1) % dimensions, signs * np.fromiter(weights.values(), np.float64, len(weights)))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype("<f4").tobytes()


def _hash(feature: str, hashes: dict[str, int]) -> int:
    found = hashes.get(feature)
    if found is None:
        found = hashes[feature] = _scattered(crc32(feature.encode("utf-8", "surrogatepass")))
    return found


def _scattered(number: int) -> int:
    """A checksum's bits, mixed: those of near texts are near each other, and the lowest one is to be a fair sign."""
    number = (number ^ (number >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    number = (number ^ (number >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    return number ^ (number >> 16)


def _features(text: str) -> dict[str, float]:
    """Each feature with its weight; a word's letter runs together make half of what the whole word does to a product."""
    whole = Counter(terms(text))
    weights = {term: 1 + log1p(count - 1) for term, count in whole.items()}
    for term, weight in list(weights.items()):
        runs = list(_runs(term))
        for run in runs:
            weights[run] = weights.get(run, 0.0) + _PART * weight / sqrt(len(runs))
    return weights


def _runs(term: str) -> Iterator[str]:
    if len(term) < _RUNS[0] or term > "\u0e00":
        return
    marked = f"\x02{term}\x03"
    for length in _RUNS:
        for start in range(len(marked) - length + 1):
            yield marked[start : start + length]
