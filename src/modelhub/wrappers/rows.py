"""Rows: vectors of several answers as one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from modelhub.errors import AnswerError
from modelhub.interfaces.embedding import EmbeddingResponse

__all__ = ["joined", "mean", "spread", "unreal"]

_MANY = 65_536
"""Bytes from which on the numeric library is worth its import."""


def joined(parts: Sequence[EmbeddingResponse]) -> dict[str, Any]:
    """``buffer``, ``count`` and ``dimensions`` of all vectors. Raises ``AnswerError`` where they differ in length."""
    lengths = sorted({part.dimensions for part in parts})
    if len(lengths) > 1:
        raise AnswerError(f"The vectors differ in length: some have {lengths[0]} numbers, some {lengths[-1]}.")
    buffer = b"".join([part.buffer for part in parts])
    return {"buffer": buffer, "count": sum(map(len, parts)), "dimensions": lengths[0]}


def unreal(response: EmbeddingResponse) -> int | None:
    """The first row that holds NaN or infinity; ``None`` where all numbers are numbers."""
    if len(response.buffer) < _MANY:
        return next((row for row in range(len(response)) if not isfinite(sum(response[row]))), None)
    import numpy as np

    sound = np.isfinite(response.array()).all(axis=1)
    return None if sound.all() else int(sound.argmin())


def spread(buffer: bytes, places: Sequence[int], count: int, dimensions: int) -> bytes:
    """``count`` rows: those of the buffer at their places, zeros elsewhere."""
    size = 4 * dimensions
    rows = bytearray(size * count)
    for row, place in enumerate(places):
        rows[place * size : (place + 1) * size] = buffer[row * size : (row + 1) * size]
    return bytes(rows)


def mean(parts: Sequence[EmbeddingResponse], weights: Sequence[int]) -> dict[str, Any]:
    """``buffer``, ``count`` and ``dimensions`` of one vector: the weighted mean, of length 1 where all of them are."""
    whole = joined(parts)
    if whole["count"] == 1:
        return whole
    import numpy as np

    rows = np.frombuffer(whole["buffer"], "<f4").reshape(whole["count"], whole["dimensions"]).astype(np.float64)
    middle = np.average(rows, axis=0, weights=np.maximum(weights, 1))
    length = float(np.linalg.norm(middle))
    if length and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
        middle /= length
    return {"buffer": middle.astype("<f4").tobytes(), "count": 1, "dimensions": whole["dimensions"]}
