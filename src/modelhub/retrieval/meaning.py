"""Texts into vectors, many at a time, by an embedding model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from modelhub.errors import AnswerError
from modelhub.retrieval.vectors import normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelhub.interfaces.embedding import EmbeddingModel
    from modelhub.model import Runtime

__all__ = ["Meaning"]

_BATCH = 64
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Meaning:
    """An embedding model, asked in batches of what it takes at once, four batches beside each other."""

    embedder: EmbeddingModel

    @property
    def model(self) -> str:
        """The model's id: vectors of different models do not compare."""
        return self.embedder.card.model

    @property
    def longest(self) -> int | None:
        """The tokens of the longest text that it takes, where that is known."""
        return self.embedder.card.limits.get("input_tokens")

    async def of(self, texts: Sequence[str], purpose: Literal["query", "document"], runtime: Runtime) -> NDArray[np.float32]:
        """One vector of length 1 a text: float32, shape ``(len(texts), dimensions)``. For as many texts as one request
        takes.
        """
        from modelhub.interfaces.embedding import EmbeddingRequest

        response = await self.embedder.call(EmbeddingRequest(inputs=tuple(texts), purpose=purpose), runtime)
        if len(response) != len(texts):
            raise AnswerError(f"{self.model} gave {len(response)} vectors for {len(texts)} texts.")
        return normalised(response.array())

    async def of_all(
        self, texts: Sequence[str], runtime: Runtime, progress: Callable[[int, int, str], None] | None = None
    ) -> list[NDArray[np.float32]]:
        """One vector for each of any number of documents' texts, in their order."""
        size = self.embedder.card.max_batch or _BATCH
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        rows: list[NDArray[np.float32]] = []

        def told(done: int) -> None:
            if progress is not None:
                progress(done, len(texts), "embedding")

        for start in range(0, len(batches), _AT_ONCE):
            told(len(rows))
            calls = [partial(self.of, batch, "document", runtime) for batch in batches[start : start + _AT_ONCE]]
            for matrix in await runtime.gather(*calls):
                rows.extend(matrix)
        told(len(rows))
        return rows

    def stacked(self, rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The rows as one matrix. Raises ``AnswerError`` where they do not have one length."""
        import numpy as np

        lengths = sorted({len(row) for row in rows})
        if len(lengths) > 1:
            both = f"vectors of {lengths[0]} and of {lengths[-1]} numbers"
            raise AnswerError(f"{self.model} gave {both}. If it has changed, remove the index's store and build it again.")
        return np.stack(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)
