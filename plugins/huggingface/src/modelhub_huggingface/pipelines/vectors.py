"""One vector for each text, out of whatever a server nests: a number list alone, one a text, one a token of each text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelhub.plugin import AnswerError
from modelhub_huggingface.options import Pooling

__all__ = ["packed", "vectors"]


def vectors(said: Any, count: int, pooling: Pooling | None) -> list[Any]:
    """``count`` vectors in the order of the texts. Raises ``AnswerError`` where the answer does not tell exactly these.

    Where a server gives a vector for each token, ``pooling`` says how they become one; it is never guessed.
    """
    if isinstance(said, Mapping):
        said = said.get("embeddings", said.get("embedding"))
    depth = _depth(said)
    if depth == 0:
        raise AnswerError(f"The answer is {type(said).__name__}, and no vector.")
    if count == 1 and (depth == 1 or len(said) != 1):
        said = [said]  # the server has taken the list of one text off
    if len(said) != count:
        raise AnswerError(f"{count} texts were sent and {len(said)} vectors came.")
    return [_one(item, pooling) for item in said]


def packed(rows: Sequence[Any], *, normalize: bool = False) -> tuple[bytes, int, int]:
    """``buffer, count, dimensions`` as 32-bit floats. Raises ``AnswerError`` where these are no vectors of one length."""
    import numpy as np

    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1:
        raise AnswerError(f"The vectors have no common length: they are of {', '.join(map(str, lengths))} numbers.")
    try:
        found = np.asarray(rows, dtype="<f4")
    except (TypeError, ValueError) as error:
        raise AnswerError(f"A vector holds something that is no number ({error}).") from None
    if not np.isfinite(found).all():
        raise AnswerError("A vector holds something that is no number.")
    if normalize:
        long = np.linalg.norm(found, axis=1, keepdims=True)
        found = found / np.where(long == 0, 1, long)
    return found.astype("<f4", copy=False).tobytes(), len(rows), lengths[0]


def _depth(value: Any) -> int:
    """How many lists lie in each other: 1 for a list of numbers."""
    depth = 0
    while isinstance(value, list) and value:
        depth, value = depth + 1, value[0]
    return depth if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _one(item: Any, pooling: Pooling | None) -> Any:
    """The vector of one text."""
    while _depth(item) > 2 and len(item) == 1:
        item = item[0]
    depth = _depth(item)
    if depth == 1:
        return item
    if depth != 2:
        raise AnswerError(f"A text's answer is {depth} lists deep: it is neither one vector nor one for each token.")
    if len(item) == 1:
        return item[0]
    if pooling is None:
        message = f"The server gave a vector for each of {len(item)} tokens: say how they become one, as in pooling = 'mean'."
        raise AnswerError(message)
    return _pooled(item, pooling)


def _pooled(tokens: Sequence[Sequence[float]], pooling: Pooling) -> Any:
    import numpy as np

    match pooling:
        case "cls":
            return tokens[0]
        case "last":
            return tokens[-1]
        case "max":
            return np.asarray(tokens, dtype="<f4").max(axis=0)
        case "mean":
            return np.asarray(tokens, dtype="<f4").mean(axis=0)
