"""Embedding models and embedding endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse
from modelhub.model import Kind
from modelhub.testing.conformance.endpoint import EndpointConformance
from modelhub.testing.conformance.samples import GREETING
from modelhub.testing.conformance.stream import UnstreamedConformance
from modelhub.testing.driven import Driven

__all__ = ["EmbeddingConformance", "EmbeddingEndpointConformance"]


class EmbeddingConformance(UnstreamedConformance):
    """For any embedding model."""

    kind: ClassVar[Kind] = "embedding"
    knobs: ClassVar[Mapping[str, Any]] = {"dimensions": 16}

    def request(self) -> EmbeddingRequest:
        return EmbeddingRequest(inputs=(GREETING, "東京は雨です。", "It rains in Tokyo."))

    def test_each_input_has_one_finite_vector(self, runtime: Driven) -> None:
        request = self.request()
        response = runtime.call(self.model(), request)
        assert isinstance(response, EmbeddingResponse), f"call() gave {type(response).__name__}: give an EmbeddingResponse."
        wanted = len(request.inputs)
        assert len(response) == wanted, f"{wanted} inputs gave {len(response)} vectors: vector i belongs to input i."
        assert response.dimensions > 0, "The vectors have no dimensions: see modelhub.plugin.pack."
        wrong = [place for place in range(wanted) if not _finite(response[place])]
        assert not wrong, f"Vector {wrong[0]} holds NaN or infinity: raise AnswerError instead."
        size = self.model().card.dimensions
        assert size in (None, response.dimensions), f"The card says {size} dimensions, the vectors have {response.dimensions}."

    def test_a_vector_depends_on_its_own_input_alone(self, runtime: Driven) -> None:
        request = self.request()
        backwards = runtime.call(self.model(), replace(request, inputs=request.inputs[::-1]))
        forwards = runtime.call(self.model(), request)
        for place in range(len(forwards)):
            same = _near(forwards[place], backwards[len(forwards) - 1 - place])
            assert same, f"Input {place} has another vector in another order of inputs: keep vectors with their inputs."


class EmbeddingEndpointConformance(EndpointConformance, EmbeddingConformance):
    """For an embedding endpoint; its first recording answers ``request``: with three vectors, unless that is overridden."""

    def test_a_vector_depends_on_its_own_input_alone(self, runtime: Driven) -> None:
        """A recording gives one order whatever it is asked: ``parse`` is held against the recorded answer instead."""
        self.test_each_input_has_one_finite_vector(runtime)


def _finite(vector: list[float]) -> bool:
    return all(number - number == 0 for number in vector)


def _near(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= 1e-4 + 1e-3 * abs(a) for a, b in zip(one, other, strict=True))
