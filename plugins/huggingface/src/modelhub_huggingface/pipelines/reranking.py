"""Order out of pipelines: by similarity, by a cross-encoder's score, or labels by how well they suit a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Literal, Never, Self

from modelhub.plugin import (
    AnswerError,
    BadRequest,
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
from modelhub_huggingface.pipelines.answers import parsed, rows, scores
from modelhub_huggingface.pipelines.site import PipelineSite, body

__all__ = ["ORDERS", "Order", "PipelineReranking", "ordered"]

Order = Literal["sentence-similarity", "text-ranking", "text-classification", "zero-shot-classification"]
ORDERS: tuple[Order, ...] = ("sentence-similarity", "text-ranking", "text-classification", "zero-shot-classification")
"""The tasks that put documents in order: whole vectors compared, pairs scored (the toolkit's own way, and the pipeline's),
labels chosen.
"""
_ALL = 1_000
_YES = ("relevant", "entailment", "positive", "yes", "true", "duplicate", "equivalent")


def ordered(found: Sequence[tuple[int, float]], request: RerankingRequest) -> tuple[Ranked, ...]:
    """The ranking, the best first, as many as are wanted. Raises ``AnswerError`` where it does not rank what was given."""
    count = len(request.documents)
    if sorted(place for place, _ in found) != list(range(count)):
        raise AnswerError(f"{count} documents were to be ranked, and these places came: {[place for place, _ in found][:8]}.")
    if not all(isfinite(score) for _, score in found):
        raise AnswerError("A document has a score that is no number.")
    best = sorted(found, key=lambda pair: -pair[1])
    return tuple(Ranked(place, score) for place, score in best[: request.top_n])


@dataclass(frozen=True)
class PipelineReranking:
    """One of ``ORDERS``. ``top_n`` is cut here: such servers give all."""

    site: PipelineSite
    name: str
    task: Order
    card: ModelCard
    arguments: Mapping[str, Any] = field(default_factory=dict)
    labels_in: Literal["parameters", "beside", "among"] = "parameters"
    """Where a server wants the labels of a zero-shot classification; what its refusal has taught."""

    def build(self, request: RerankingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("A ranking comes whole: call the model instead of streaming it.", feature="stream")
        inputs, parameters = self._asked(request)
        return self.site.ask(body(inputs, parameters, self.arguments, request.extra.get(self.site.provider, {})))

    def parse(self, response: HttpResponse) -> RerankingResponse:
        """The answer as it came: whose scores they are, only the request tells, and ``completed`` reads them with it."""
        said = parsed(response, self.site, self.name)
        return RerankingResponse(ranking=(), model=self.name, provider=self.site.provider, raw=said)

    def completed(self, request: RerankingRequest, response: RerankingResponse) -> RerankingResponse:
        found = list(self._scored(request, response.raw))
        return replace(response, ranking=ordered(found, request))

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A ranking comes whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Self | None:
        """Labels in the place that the Inference Toolkit asks for in its own words."""
        zero_shot = self.task == "zero-shot-classification" and self.labels_in == "parameters"
        if not zero_shot or not isinstance(error, BadRequest) or "`sequences`" not in error.message:
            return None
        return replace(self, labels_in="beside" if "`parameters` to contain" in error.message else "among")

    def _asked(self, request: RerankingRequest) -> tuple[Any, Mapping[str, Any]]:
        query, documents = request.query, list(request.documents)
        match self.task:
            case "sentence-similarity":
                return {"source_sentence": query, "sentences": documents}, {}
            case "text-ranking":
                return {"query": query, "texts": documents}, {}
            case "text-classification":
                return [{"text": query, "text_pair": document} for document in documents], {"top_k": _ALL}
            case "zero-shot-classification" if self.labels_in == "parameters":
                return query, {"candidate_labels": documents}
            case "zero-shot-classification" if self.labels_in == "beside":
                return {"sequences": query, "parameters": {}}, {"candidate_labels": documents}
            case "zero-shot-classification":
                return {"sequences": query, "candidate_labels": documents}, {}

    def _scored(self, request: RerankingRequest, said: Any) -> Iterator[tuple[int, float]]:
        match self.task:
            case "sentence-similarity":
                yield from enumerate(_numbers(said))
            case "text-ranking":
                listed = said.get("scores", said) if isinstance(said, Mapping) else said
                yield from _placed(listed)
            case "text-classification":
                yield from enumerate(map(_of_a_pair, _pairs(said, len(request.documents))))
            case "zero-shot-classification":
                found = scores(said)
                yield from ((place, found.get(label, float("nan"))) for place, label in enumerate(request.documents))


def _numbers(said: Any) -> list[float]:
    listed = said.get("similarities", said.get("scores")) if isinstance(said, Mapping) else said
    if not isinstance(listed, list) or not all(isinstance(value, int | float) for value in listed):
        raise AnswerError("The answer is no list of similarities.", head=json.dumps(said, ensure_ascii=False).encode()[:200])
    return [float(value) for value in listed]


def _placed(said: Any) -> Iterator[tuple[int, float]]:
    """Scores with the places of their documents, or bare ones in the order of the documents."""
    if isinstance(said, list) and said and all(isinstance(value, int | float) for value in said):
        yield from enumerate(map(float, said))
        return
    for row in rows(said):
        place, score = row.get("index", row.get("corpus_id")), row.get("score")
        if type(place) is not int or not isinstance(score, int | float):
            raise AnswerError(f"A document has the place {place!r} and the score {score!r}.")
        yield place, float(score)


def _pairs(said: Any, count: int) -> list[Any]:
    """The answer to each pair."""
    found = said if isinstance(said, list) else [said]
    if len(found) != count and len(found) == 1 and isinstance(found[0], list):
        found = found[0]
    if len(found) != count:
        raise AnswerError(f"{count} documents were to be ranked, and {len(found)} came back.")
    return found


def _of_a_pair(said: Any) -> float:
    """How well the pair belongs together: the score of the one label, or of the label that says yes."""
    found = scores(said)
    if len(found) == 1:
        return next(iter(found.values()))
    named = next((label for label in found if label.casefold() in _YES), None)
    return found[named if named is not None else max(found, key=_number)]


def _number(label: str) -> int:
    """The number of ``LABEL_1``; where labels are numbered, the last one says yes."""
    digits = re.findall(r"\d+", label)
    return int(digits[-1]) if digits else -1
