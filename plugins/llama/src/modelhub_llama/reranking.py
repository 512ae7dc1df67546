"""Reranking by llama.cpp: a query and each document go through the network as one text, and a score comes out."""

from __future__ import annotations

from dataclasses import dataclass

from modelhub_openai.reranking import Reranking
from modelhub_openai.site import Site

from modelhub.plugin import HttpModel, HttpResponse, ModelhubError, RerankingModel
from modelhub_llama.pooling import too_long

__all__ = ["OrderEndpoint", "order"]


def order(site: Site, name: str) -> RerankingModel:
    """A reranking model that is asked over HTTP."""
    return HttpModel(OrderEndpoint(site, name))


@dataclass(frozen=True)
class OrderEndpoint(Reranking):
    """``POST rerank`` of llama.cpp."""

    def fault(self, response: HttpResponse) -> ModelhubError:
        error = super().fault(response)
        return too_long(error, self.name) or error
