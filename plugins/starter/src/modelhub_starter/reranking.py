"""``starter:overlap``: the documents that share the query's rarer words come first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Never

from modelhub.plugin import (
    Bm25,
    InvalidRequest,
    ModelCard,
    Ranked,
    RerankingModel,
    RerankingRequest,
    RerankingResponse,
    Runtime,
    Unsupported,
    Usage,
    count_tokens,
)
from modelhub_starter.cards import card
from modelhub_starter.options import StarterOptions

__all__ = ["Overlap", "model"]


def model(name: str, options: StarterOptions | None) -> RerankingModel:  # noqa: ARG001  # nothing to set
    """``starter:overlap``. Raises ``UnknownModel`` for any other name."""
    return Overlap(card("reranking", name))


@dataclass(frozen=True)
class Overlap:
    """BM25 among the documents of the request; all of them come back, those that share nothing last, with score 0."""

    card: ModelCard

    async def call(self, request: RerankingRequest, runtime: Runtime) -> RerankingResponse:
        if request.top_n is not None and request.top_n < 1:
            raise InvalidRequest(f"top_n is {request.top_n}: ask for at least 1.")
        ranking = await runtime.in_thread(_ranked, request.query, request.documents)
        read = sum(map(count_tokens, (request.query, *request.documents)))
        return RerankingResponse(
            model="overlap",
            provider="starter",
            ranking=tuple(ranking[: request.top_n]),
            usage=Usage(input_tokens=read or None, source="estimated"),
        )

    def stream(self, request: RerankingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:  # noqa: ARG002
        raise Unsupported("A ranking comes whole: use call.", feature="stream", model=self.card.model)


def _ranked(query: str, documents: Sequence[str]) -> list[Ranked]:
    scores = Bm25.build(documents).scores(query).tolist()
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    return [Ranked(index, scores[index]) for index in order]
