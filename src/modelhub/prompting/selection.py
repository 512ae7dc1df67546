"""Which examples are shown for a question: always the same, some drawn with a seed, or those most like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, assert_never

from modelhub.prompting.examples import Example
from modelhub.retrieval.lexical import Bm25
from modelhub.retrieval.meaning import Meaning
from modelhub.retrieval.once import Turn
from modelhub.retrieval.vectors import Vectors

if TYPE_CHECKING:
    from modelhub.config.specs import SelectSpec
    from modelhub.interfaces.embedding import EmbeddingModel
    from modelhub.model import Runtime

__all__ = ["Fixed", "Selection", "SimilarInMeaning", "SimilarInWords", "selection"]

_SIMILAR = 4
"""How many similar examples are shown where ``k`` is left out."""


class Selection(Protocol):
    """A way to choose examples."""

    async def choose(self, question: str, runtime: Runtime) -> tuple[Example, ...]:
        """The examples to show, in the order they are shown; the last stands next to the question."""


def selection(spec: SelectSpec, found: Sequence[Example], embedder: EmbeddingModel | None, most: int | None) -> Selection:
    """The selection that the configuration asks for, of at most ``most`` examples where the strategy shows no more."""
    wanted = len(found) if spec.k is None else min(spec.k, len(found))
    count = wanted if most is None else min(wanted, most)
    match spec.by:
        case "fixed":
            return Fixed(tuple(found[:count]))
        case "random":
            return Fixed(_drawn(found, count, spec.seed))
        case "similar":
            few = min(count, _SIMILAR) if spec.k is None else count
            return (
                SimilarInWords(tuple(found), few)
                if embedder is None
                else SimilarInMeaning(tuple(found), few, Meaning(embedder))
            )
        case _:
            assert_never(spec.by)


def _drawn(found: Sequence[Example], count: int, seed: int) -> tuple[Example, ...]:
    import random

    return tuple(random.Random(seed).sample(list(found), count))  # noqa: S311  # examples are no secret


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same examples for every question."""

    examples: tuple[Example, ...]

    async def choose(self, question: str, runtime: Runtime) -> tuple[Example, ...]:  # noqa: ARG002
        return self.examples


@dataclass(slots=True, eq=False)
class SimilarInWords:
    """The ``count`` examples whose inputs share the most with the question, then the first in the file."""

    examples: tuple[Example, ...]
    count: int
    _words: Bm25 | None = field(default=None, repr=False)

    async def choose(self, question: str, runtime: Runtime) -> tuple[Example, ...]:
        if self._words is None:
            self._words = await runtime.in_thread(Bm25.build, [example.input for example in self.examples])
        found = [place for place, _ in self._words.search(question, self.count)]
        return _ending_in_the_best(self.examples, found, self.count)


@dataclass(slots=True, eq=False)
class SimilarInMeaning:
    """The ``count`` examples whose inputs mean most nearly what the question means. Their vectors are made once."""

    examples: tuple[Example, ...]
    count: int
    meaning: Meaning
    _vectors: Vectors | None = field(default=None, repr=False)
    _turn: Turn = field(default_factory=Turn, repr=False)

    async def choose(self, question: str, runtime: Runtime) -> tuple[Example, ...]:
        if not question.strip():
            return self.examples[: self.count]
        vectors = self._vectors or await self._embedded(runtime)
        query = (await self.meaning.of((question,), "query", runtime))[0]
        return _ending_in_the_best(self.examples, [place for place, _ in vectors.search(query, self.count)], self.count)

    async def _embedded(self, runtime: Runtime) -> Vectors:
        async with self._turn.taken(runtime):
            if self._vectors is None:
                rows = await self.meaning.of_all([example.input for example in self.examples], runtime)
                self._vectors = Vectors(self.meaning.stacked(rows))
            return self._vectors


def _ending_in_the_best(examples: Sequence[Example], best_first: list[int], count: int) -> tuple[Example, ...]:
    rest = (place for place in range(len(examples)) if place not in best_first)
    places = [*best_first, *rest][:count]
    return tuple(examples[place] for place in reversed(places))
