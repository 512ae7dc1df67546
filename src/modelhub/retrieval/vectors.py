"""Vectors side by side, and the ones nearest to another vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.errors import AnswerError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Vectors", "normalised"]


def normalised(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row divided by its length, as float32. A row of zeros stays one. Raises ``AnswerError`` at a value that is no
    number.
    """
    import numpy as np

    rows = np.asarray(matrix, np.float32)
    if not np.isfinite(rows).all():
        raise AnswerError("The embedding model gave a vector with values that are not numbers.")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    lengths[lengths == 0] = 1
    scaled: NDArray[np.float32] = rows / lengths
    return scaled


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Rows of length 1: float32, shape ``(count, dimensions)``. A vector is known by its row."""

    matrix: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.matrix)

    @property
    def dimensions(self) -> int:
        return int(self.matrix.shape[1])

    def search(self, query: NDArray[np.float32], top_k: int) -> list[tuple[int, float]]:
        """The ``top_k`` rows most like the query (shape ``(dimensions,)``) as ``(row, cosine)``, best first, equals in their
        order.
        """
        import numpy as np

        if not len(self):
            return []
        if query.shape != (self.dimensions,):
            raise AnswerError(
                f"The query's vector has {query.size} numbers, those of the index {self.dimensions}: build it again."
            )
        scores = self.matrix @ normalised(query[None, :])[0]
        best = _largest(scores, min(max(top_k, 0), len(scores)))
        return [(int(row), float(scores[row])) for row in best[np.lexsort((best, -scores[best]))]]


def _largest(scores: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    import numpy as np

    if count >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(-scores, count)[:count] if count else np.arange(0)
