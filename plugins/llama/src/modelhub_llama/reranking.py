"""Reranking by llama.cpp: a query and each document go through the network as one text, and a score comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelhub_openai.reranking import Reranking
from modelhub_openai.site import Site

from modelhub.plugin import HttpModel, HttpResponse, ModelhubError, RerankingModel, Unsupported
from modelhub_llama.options import LlamaOptions
from modelhub_llama.pooling import too_long

__all__ = ["OrderEndpoint", "in_process", "order"]

_LONGEST = 8192
"""Tokens of a query and a document together, where the options do not say more: they go through the network at once."""


def in_process(name: str, options: LlamaOptions) -> RerankingModel:
    """The model of a GGUF file, computed in this process. Raises ``UnknownModel``, ``GgufError`` or ``Unsupported``.

    llama.cpp gives a score of any model: of one that was not made for it, numbers that mean nothing.
    """
    from modelhub_llama.gguf.cards import card
    from modelhub_llama.gguf.finding import find
    from modelhub_llama.models import engine_plan
    from modelhub_llama.resident import Resident

    path = find(name, options)
    known = card(path, name, options)
    if known.kind != "reranking":
        told = "it was not trained to score documents (pooling_type is not rank, and there are no cls tensors)"
        raise Unsupported(f"{known.model} is no reranker: {told}.", feature="reranking", model=known.model)
    window = min(options.context_window or _LONGEST, known.context_window or 512)
    known = replace(known, kind="reranking", capabilities={}, dimensions=None, settings=frozenset({"top_n"}))
    plan = engine_plan("reranking", path, name, options, window)
    return Resident(
        replace(known, context_window=window), plan, lambda engine: order(engine.reached(options), name), streamed=False
    )


def order(site: Site, name: str) -> RerankingModel:
    """A reranking model that is asked over HTTP."""
    return HttpModel(OrderEndpoint(site, name))


@dataclass(frozen=True)
class OrderEndpoint(Reranking):
    """``POST rerank`` of llama.cpp."""

    def fault(self, response: HttpResponse) -> ModelhubError:
        error = super().fault(response)
        return too_long(error, self.name) or error
