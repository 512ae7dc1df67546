"""Order by likeness: the query's vector beside those of the documents, each of which is computed by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelhub.plugin import ContextOverflow
from modelhub_huggingface.local.recipe import Purpose, Recipe
from modelhub_huggingface.local.vectors import Embedder

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

__all__ = ["MEASURES", "likeness"]


def likeness(
    embedder: Embedder, known: Recipe, query: str, documents: tuple[str, ...], name: str, wanted: Callable[[], bool]
) -> tuple[list[float], int]:
    """How like the query each document is, by the measure that the model was made for; and the tokens of all texts.

    Raises ``ContextOverflow`` where one of them is too long.
    """
    asked, asked_tokens = _vectors(embedder, known, (query,), "query", name, wanted)
    found, tokens = _vectors(embedder, known, documents, "document", name, wanted)
    measure: Callable[[Any, Any], Any] = MEASURES.get(known.similarity, _cosine)
    return [float(score) for score in measure(found, asked[0])], asked_tokens + tokens


def _vectors(
    embedder: Embedder, known: Recipe, texts: tuple[str, ...], purpose: Purpose, name: str, wanted: Callable[[], bool]
) -> tuple[Numbers, int]:
    prompt = known.prompt(purpose)
    tokens = embedder.tokens.of([prompt + text for text in texts])
    place = max(range(len(texts)), key=lambda place: len(tokens[place]))
    if known.input_tokens is not None and len(tokens[place]) > known.input_tokens:
        which = "The query" if purpose == "query" else f"documents[{place}]"
        message = f"{which} has {len(tokens[place])} tokens, and {name} takes {known.input_tokens}."
        error = ContextOverflow(message, prompt_tokens=len(tokens[place]), context_window=known.input_tokens)
        error.position = None if purpose == "query" else place
        raise error
    before = 0 if known.whole or not prompt else embedder.tokens.before(prompt)
    return embedder.vectors(tokens, before, wanted), sum(map(len, tokens))


def _cosine(rows: Numbers, query: Numbers) -> Any:
    import numpy as np

    sizes = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return (rows @ query) / np.where(sizes == 0, 1, sizes)


def _dot(rows: Numbers, query: Numbers) -> Any:
    return rows @ query


def _euclidean(rows: Numbers, query: Numbers) -> Any:
    import numpy as np

    return -np.linalg.norm(rows - query, axis=1)


def _manhattan(rows: Numbers, query: Numbers) -> Any:
    import numpy as np

    return -np.abs(rows - query).sum(axis=1)


MEASURES: Mapping[str, Callable[[Any, Any], Any]] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
}
"""By the names that sentence-transformers has for them; of a distance, its negative, so that more is better."""
