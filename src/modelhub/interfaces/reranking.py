"""Reranking: a query and documents in, the documents' order out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from modelhub.interfaces.checks import texts, whole
from modelhub.model import Model, Request, Response

__all__ = ["Ranked", "RerankingModel", "RerankingRequest", "RerankingResponse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankingRequest(Request):
    """Documents to be put into the order in which they answer the query. ``top_n`` keeps the best."""

    query: str
    documents: tuple[str, ...]
    top_n: int | None = None

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        texts("query", (self.query,))
        texts("documents", self.documents)
        whole("top_n", self.top_n, least=1)

    def settings(self) -> Mapping[str, Any]:
        return {} if self.top_n is None else {"top_n": self.top_n}


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document's place: ``index`` among the documents of the request, ``score`` on the model's own scale, more is better."""

    index: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankingResponse(Response):
    """The best first."""

    ranking: tuple[Ranked, ...]


RerankingModel = Model[RerankingRequest, RerankingResponse, Never]
