"""Reranking: the operation that the dialect has no document for, in the shape that its hosts have settled on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Ranked,
    RerankingModel,
    RerankingRequest,
    RerankingResponse,
    Unsupported,
    Usage,
)
from modelhub_openai import known
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import Site, host
from modelhub_openai.usage import read_usage

__all__ = ["Reranking", "model"]


def model(name: str, options: OpenAIOptions | None) -> RerankingModel:
    """The model of that name on the host that the options describe."""
    return HttpModel(Reranking(host(options), name))


@dataclass(frozen=True)
class Reranking:
    """``rerank`` of one model on one host; read are the answers of all that have it (``relevance_score`` or ``score``)."""

    site: Site
    name: str
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settings = frozenset({"top_n"})
        object.__setattr__(self, "card", known.card(self.site, self.name, "reranking", settings=settings))

    def build(self, request: RerankingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("A ranking comes whole: call the model instead of streaming it.", feature="stream")
        body: dict[str, Any] = {"model": self.name, "query": request.query, "documents": request.documents}
        if request.top_n is not None:
            body["top_n"] = request.top_n
        written = self.site.quirks.written(body)
        return self.site.post("rerank", self.name, {**written, **request.extra.get(self.site.provider, {})})

    def parse(self, response: HttpResponse) -> RerankingResponse:
        said = json.loads(response.body)
        results = said.get("results", said.get("data")) if isinstance(said, Mapping) else said
        if not isinstance(results, list):
            raise reported(self.site, self.name, said) if isinstance(said, Mapping) and error_in(said) else _nothing(response)
        told = said if isinstance(said, Mapping) else {}
        ranking = sorted(map(_ranked, results), key=lambda ranked: -ranked.score)
        if len({ranked.index for ranked in ranking}) != len(ranking):
            raise AnswerError("A document came twice in the ranking.", head=response.body[:200])
        return RerankingResponse(ranking=tuple(ranking), model=told.get("model") or "", usage=_usage(told), raw=said)

    def completed(self, request: RerankingRequest, response: RerankingResponse) -> RerankingResponse:
        """The same response, which has to rank the documents that were given, and as many as were asked for."""
        count = len(request.documents)
        strange = [ranked.index for ranked in response.ranking if not 0 <= ranked.index < count]
        wanted = min(count, request.top_n or count)
        if strange or len(response.ranking) < wanted:
            told = f"document {strange[0]} is none of them" if strange else f"{len(response.ranking)} came back"
            raise AnswerError(f"{count} documents were to be ranked, and {told}.")
        return response

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A ranking comes whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)


def _nothing(response: HttpResponse) -> AnswerError:
    return AnswerError("The host sent no ranking.", head=response.body[:200])


def _ranked(result: Mapping[str, Any]) -> Ranked:
    score = float(result["relevance_score"] if "relevance_score" in result else result["score"])
    if type(result["index"]) is not int or not isfinite(score):
        raise AnswerError(f"A document has the place {result['index']!r} and the score {score}.")
    return Ranked(result["index"], score)


def _usage(told: Mapping[str, Any]) -> Usage:
    """Some hosts count tokens as all others do, some under ``meta``."""
    if isinstance(told.get("usage"), Mapping):
        counted = read_usage(told["usage"])
        total = told["usage"].get("total_tokens")
        return counted if counted.input_tokens or type(total) is not int else Usage(input_tokens=total or None)
    meta = told.get("meta")
    tokens = meta.get("tokens") or meta.get("billed_units") if isinstance(meta, Mapping) else None
    return read_usage(tokens)
