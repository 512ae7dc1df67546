"""Order in this process: by a network that reads query and document together, by their vectors, or of labels for a text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Attempt,
    ModelCard,
    Notice,
    Plan,
    Ranked,
    RerankingRequest,
    RerankingResponse,
    Runtime,
    Unsupported,
    Usage,
)
from modelhub_huggingface.local.architecture import task
from modelhub_huggingface.local.cards import card, window
from modelhub_huggingface.local.cross_encoder import judged
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.embedding import described, embedder_plan
from modelhub_huggingface.local.encoders.encoder import Encoder, load
from modelhub_huggingface.local.encoders.entailment import ARGUMENTS, entailments
from modelhub_huggingface.local.engine import TorchEngine, Wanted, computed
from modelhub_huggingface.local.files import ModelFolder, find
from modelhub_huggingface.local.given import only
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.local.recipe import recipe
from modelhub_huggingface.local.sentence_folder import sentence_folder
from modelhub_huggingface.local.similarity import likeness
from modelhub_huggingface.local.vectors import Embedder
from modelhub_huggingface.local.verdicts import verdict
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import task_named

__all__ = ["LocalRanking", "model"]

Scores = tuple[list[float], int]
"""One for each document, and the tokens that were read."""
_LOADER = "AutoModelForSequenceClassification"


def model(name: str, options: HuggingFaceOptions) -> LocalRanking:
    """The model in a folder, or in the hub's cache. Raises ``UnknownModel`` or ``SetupError``, and ``Unsupported`` for one that
    puts nothing in order.
    """
    folder = find(name, options)
    match _purpose(folder, options):
        case "sentence-similarity" | "feature-extraction":
            return _by_vectors(name, folder, options)
        case "zero-shot-classification":
            return _of_labels(name, folder, options)
        case "text-ranking" | "text-classification":
            return _by_pairs(name, folder, options)
        case other:
            message = f"{options.provider}:{name} is for {other}: it puts nothing in order."
            raise Unsupported(message, feature="reranking", model=f"{options.provider}:{name}")


def _purpose(folder: ModelFolder, options: HuggingFaceOptions) -> str:
    """As the options say; a network whose vectors are pooled compares them, whatever it was trained as."""
    if options.task is None and (options.pooling is not None or sentence_folder(folder).modes):
        return "sentence-similarity"
    purpose = task(folder, options)
    return task_named(purpose) or purpose


def _by_vectors(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> LocalRanking:
    known = recipe(folder, options)
    named = f"{options.provider}:{name}"

    def run(embedder: Embedder, request: RerankingRequest, wanted: Wanted) -> Scores:
        only((), request, options, named)
        return likeness(embedder, known, request.query, request.documents, named, wanted)

    told = _card(name, folder, known.network, options, "sentence-similarity", context_window=known.input_tokens)
    loaded = embedder_plan(name, folder, known, options)
    return LocalRanking(told, loaded, run, {"similarity": known.similarity, **known.metadata})


def _by_pairs(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> LocalRanking:
    named = f"{options.provider}:{name}"
    judge = verdict(folder, named)

    def run(encoder: Encoder, request: RerankingRequest, wanted: Wanted) -> Scores:
        only((), request, options, named)
        scores, tokens = judged(encoder.within(options.context_window), request.query, request.documents, named, wanted)
        return judge.of(scores), tokens

    told = _card(name, folder, folder, options, "text-ranking", context_window=window(folder, options))
    loaded = plan(name, folder, options, _LOADER, lambda: load(_LOADER, folder, options))
    return LocalRanking(told, loaded, run, {"activation": judge.activation})


def _of_labels(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> LocalRanking:
    """The documents of a request are labels, and its query the text that they are held against."""
    named = f"{options.provider}:{name}"

    def run(encoder: Encoder, request: RerankingRequest, wanted: Wanted) -> Scores:
        arguments = only(ARGUMENTS, request, options, named)
        alone = bool(arguments.get("multi_label"))
        template = {key: arguments[key] for key in ("hypothesis_template",) if key in arguments}
        return entailments(
            encoder.within(options.context_window),
            request.query,
            list(request.documents),
            wanted,
            *template.values(),
            alone=alone,
        )

    told = _card(name, folder, folder, options, "zero-shot-classification", context_window=window(folder, options))
    loaded = plan(name, folder, options, _LOADER, lambda: load(_LOADER, folder, options))
    return LocalRanking(told, loaded, run, {})


def _card(
    name: str, folder: ModelFolder, network: ModelFolder, options: HuggingFaceOptions, purpose: str, **known: Any
) -> ModelCard:
    settings = frozenset({"top_n"})
    told = {**described(folder, network, purpose, "order"), "file": folder.path, "revision": folder.revision}
    return card(name, "reranking", network, options, **told, settings=settings, capabilities={}, **known)


@dataclass(frozen=True, eq=False)
class LocalRanking:
    """The model over a leased engine, in whose thread ``run`` computes the scores."""

    card: ModelCard
    plan: Plan[TorchEngine[Any]] = field(repr=False)
    run: Callable[[Any, RerankingRequest, Wanted], Scores] = field(repr=False)
    metadata: Mapping[str, Any]

    async def call(self, request: RerankingRequest, runtime: Runtime) -> RerankingResponse:
        (scores, tokens), notices = await computed(self.plan, partial(self._scores, request), request, runtime)
        best = sorted(range(len(scores)), key=lambda place: -scores[place])
        provider, _, name = self.card.model.partition(":")
        return RerankingResponse(
            ranking=tuple(Ranked(place, scores[place]) for place in best[: request.top_n]),
            model=name,
            provider=provider,
            usage=Usage(input_tokens=tokens),
            notices=notices,
            provider_metadata={"task": self.card.task, **self.metadata},
            attempts=(Attempt(self.card.model),),
        )

    def stream(self, request: RerankingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:  # noqa: ARG002  # the protocol's
        raise Unsupported("A ranking comes whole: call the model instead of streaming it.", feature="stream")

    def _scores(self, request: RerankingRequest, part: Any, wanted: Wanted) -> tuple[Scores, tuple[Notice, ...]]:
        with told_apart(self.card.model, "Rank fewer documents, or shorter ones."):
            scores, tokens = self.run(part, request, wanted)
        if not all(map(isfinite, scores)):
            raise AnswerError(f"{self.card.model} gave a document a score that is no number.")
        return (scores, tokens), slow(part.network)
