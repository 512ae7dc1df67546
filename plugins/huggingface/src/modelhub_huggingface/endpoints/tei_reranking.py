"""Reranking on Text Embeddings Inference: ``rerank``, which gives the documents' places with the best first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Ranked,
    RerankingRequest,
    RerankingResponse,
    Unsupported,
)
from modelhub_huggingface.endpoints.computed import computed
from modelhub_huggingface.endpoints.server import Server
from modelhub_huggingface.pipelines.answers import parsed, rows
from modelhub_huggingface.pipelines.reranking import ordered

__all__ = ["Rerank"]


@dataclass(frozen=True)
class Rerank:
    """One cross-encoder of one TEI. Scores are between 0 and 1; ``raw_scores`` in ``extra`` asks for the model's own."""

    site: Server
    name: str
    card: ModelCard

    def build(self, request: RerankingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("A ranking comes whole: call the model instead of streaming it.", feature="stream")
        body: dict[str, Any] = {"query": request.query, "texts": request.documents, "truncate": False}
        return self.site.call("rerank", {**body, **request.extra.get(self.site.provider, {})})

    def parse(self, response: HttpResponse) -> RerankingResponse:
        said = parsed(response, self.site, self.name)
        if not isinstance(said, list):
            raise AnswerError("The server sent no ranking.", head=response.body[:200])
        usage, told = computed(response)
        return RerankingResponse(
            ranking=tuple(Ranked(row["index"], float(row["score"])) for row in rows(said)),
            model=self.name,
            provider=self.site.provider,
            usage=usage,
            provider_metadata=told,
            raw=said,
        )

    def completed(self, request: RerankingRequest, response: RerankingResponse) -> RerankingResponse:
        """The response, which has to rank what was given, cut to as many as are wanted."""
        return replace(response, ranking=ordered([(found.index, found.score) for found in response.ranking], request))

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A ranking comes whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)
