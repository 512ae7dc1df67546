"""Embedding: texts in, one vector per text out, in their order."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Never

from modelhub.errors import AnswerError
from modelhub.interfaces.checks import choice, texts, whole
from modelhub.model import Model, Request, Response

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EmbeddingModel", "EmbeddingRequest", "EmbeddingResponse", "pack"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest(Request):
    """Texts to be turned into vectors.

    ``purpose`` tells models that make the difference whether these are queries or documents. ``dimensions`` asks for shorter
    vectors than the model's own.

    ``on_empty`` says what a text without words comes to: an error, no vector (``skipped`` lists it), or a vector of zeros.
    ``on_long`` says what a text that the model cannot take whole comes to: an error, the vector of its beginning, or the mean
    of its pieces' vectors. Neither is ever done in silence: a notice names the text.
    """

    inputs: tuple[str, ...]
    purpose: Literal["query", "document"] | None = None
    dimensions: int | None = None
    on_empty: Literal["error", "skip", "zero"] = "error"
    on_long: Literal["error", "truncate", "mean"] = "error"

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        texts("inputs", self.inputs)
        choice("on_empty", self.on_empty, ("error", "skip", "zero"))
        choice("on_long", self.on_long, ("error", "truncate", "mean"))
        whole("dimensions", self.dimensions, least=1)

    def settings(self) -> Mapping[str, Any]:
        return {} if self.dimensions is None else {"dimensions": self.dimensions}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingResponse(Response):
    """Vectors, kept as one buffer of little-endian 32-bit floats, row after row: vector ``i`` belongs to input ``i``.

    ``skipped`` are the places of inputs without a vector (``on_empty="skip"``); row ``i`` is that of input ``i`` of the others.
    """

    buffer: bytes = field(default=b"", repr=False)
    count: int = 0
    dimensions: int = 0
    skipped: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.buffer) != 4 * self.count * self.dimensions:
            raise AnswerError(f"{len(self.buffer)} bytes are not {self.count} vectors of {self.dimensions} 32-bit floats.")

    def array(self) -> NDArray[np.float32]:
        """All vectors: float32, shape ``(count, dimensions)``, a read-only view that copies nothing."""
        import numpy as np

        return np.frombuffer(self.buffer, dtype="<f4").reshape(self.count, self.dimensions)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> list[float]:
        """One vector as a list of floats."""
        if not -self.count <= index < self.count:
            raise IndexError(f"vector {index} of {self.count}")
        start = 4 * self.dimensions * (index % self.count)
        floats = array("f", self.buffer[start : start + 4 * self.dimensions])
        if sys.byteorder == "big":
            floats.byteswap()
        return floats.tolist()


def pack(vectors: Sequence[Sequence[float]]) -> tuple[bytes, int, int]:
    """``buffer, count, dimensions`` of vectors given as numbers. Raises ``AnswerError`` where their lengths differ."""
    dimensions = len(vectors[0]) if vectors else 0
    floats = array("f")
    for position, vector in enumerate(vectors):
        if len(vector) != dimensions:
            raise AnswerError(f"Vector {position} has {len(vector)} numbers, the first one {dimensions}.")
        floats.extend(vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tobytes(), len(vectors), dimensions


EmbeddingModel = Model[EmbeddingRequest, EmbeddingResponse, Never]
