"""Reranking models and reranking endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from modelhub.interfaces.reranking import RerankingRequest, RerankingResponse
from modelhub.model import Kind
from modelhub.testing.conformance.endpoint import EndpointConformance
from modelhub.testing.conformance.samples import GREETING
from modelhub.testing.conformance.stream import UnstreamedConformance
from modelhub.testing.driven import Driven

__all__ = ["RerankingConformance", "RerankingEndpointConformance"]


class RerankingConformance(UnstreamedConformance):
    """For any reranking model."""

    kind: ClassVar[Kind] = "reranking"
    knobs: ClassVar[Mapping[str, Any]] = {"top_n": 2}

    def request(self) -> RerankingRequest:
        return RerankingRequest(
            query="東京の天気は？ weather in Tokyo", documents=(GREETING, "東京の天気は雨です。", "Bread needs flour.")
        )

    def test_documents_come_best_first_and_once_each(self, runtime: Driven) -> None:
        request = self.request()
        response = runtime.call(self.model(), request)
        assert isinstance(response, RerankingResponse), f"call() gave {type(response).__name__}: give a RerankingResponse."
        places = [ranked.index for ranked in response.ranking]
        scores = [ranked.score for ranked in response.ranking]
        assert len(set(places)) == len(places), f"A document came twice: {places}. Give each index once."
        assert all(0 <= place < len(request.documents) for place in places), f"{places} names documents that were not given."
        assert scores == sorted(scores, reverse=True), f"The scores {scores} do not fall: put the best document first."


class RerankingEndpointConformance(EndpointConformance, RerankingConformance):
    """For a reranking endpoint; a recording answers ``request``, so it ranks three documents unless that is overridden."""
