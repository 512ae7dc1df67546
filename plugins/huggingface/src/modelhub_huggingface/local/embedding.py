"""An embedding model in this process, computed by transformers: a sentence transformer, or any encoder's states, pooled."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Never

from modelhub.plugin import (
    Attempt,
    ContextOverflow,
    EmbeddingRequest,
    EmbeddingResponse,
    ModelCard,
    Plan,
    Runtime,
    Unsupported,
    Usage,
)
from modelhub_huggingface.hub.cards import written
from modelhub_huggingface.hub.families import family_of
from modelhub_huggingface.hub.prose import heading, summary
from modelhub_huggingface.hub.reading import text
from modelhub_huggingface.local.cards import card
from modelhub_huggingface.local.engine import TorchEngine, Wanted, computed
from modelhub_huggingface.local.files import ModelFolder, find
from modelhub_huggingface.local.front import readme
from modelhub_huggingface.local.given import only
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.plans import memory, plan
from modelhub_huggingface.local.recipe import Recipe, recipe
from modelhub_huggingface.local.shortening import shortened
from modelhub_huggingface.local.tokens import counter, tokens_of
from modelhub_huggingface.local.vectors import Embedder, EmbedderEngine, load_embedder
from modelhub_huggingface.local.weights import weights
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["LocalEmbedding", "described", "embedder_plan", "model"]

_AT_ONCE = 2048
"""Texts of one request: so many that those of one length find each other. Whoever leaves is not computed for after a batch."""


def model(name: str, options: HuggingFaceOptions) -> LocalEmbedding:
    """The model in a folder, or in the hub's cache. Raises ``UnknownModel``, ``SetupError`` or ``ConfigError``."""
    folder = find(name, options)
    known = recipe(folder, options)
    settings = frozenset({"dimensions"}) if known.shortening.trained else frozenset[str]()
    return LocalEmbedding(
        card=card(
            name,
            "embedding",
            known.network,
            options,
            **described(folder, known.network),
            file=folder.path,
            revision=folder.revision,
            context_window=known.input_tokens,
            dimensions=known.shortening.length(None, known.dimensions, name) if known.dimensions else None,
            limits={"input_tokens": known.input_tokens} if known.input_tokens else {},
            max_batch=_AT_ONCE,
            capabilities={},
            settings=settings,
        ),
        plan=embedder_plan(name, folder, known, options),
        recipe=known,
        options=options,
    )


def described(
    folder: ModelFolder, network: ModelFolder, task: str = "feature-extraction", output: str = "vector"
) -> dict[str, Any]:
    """What a model's folder says of it beside its weights, as fields of a card."""
    front, words = readme(folder)
    family = family_of(text(network.config.get("model_type")), task=task, both=network.config.get("is_encoder_decoder"))
    return {
        "title": heading(words),
        "description": summary(words),
        "task": task,
        "family": family,
        "inputs": ("text",),
        "outputs": (output,),
        **({"library": "sentence-transformers"} if folder.has("modules.json") else {}),
        **written(front),
    }


def embedder_plan(name: str, folder: ModelFolder, known: Recipe, options: HuggingFaceOptions) -> Plan[TorchEngine[Embedder]]:
    """How it is loaded; whoever compares texts by their vectors shares it."""
    more = options.processes * memory(weights(folder), options) if options.processes > 1 else 0
    return plan(name, folder, options, "vectors", lambda: EmbedderEngine(load_embedder(known, options)), more)


@dataclass(frozen=True, eq=False)
class LocalEmbedding:
    """The model over a leased engine."""

    card: ModelCard
    plan: Plan[TorchEngine[Embedder]] = field(repr=False)
    recipe: Recipe = field(repr=False)
    options: HuggingFaceOptions = field(repr=False)

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        only((), request, self.options, self.card.model)
        self._length(request, self.recipe.dimensions)  # refused before anything is loaded, where that is known
        return await computed(self.plan, lambda embedder, wanted: self._computed(embedder, request, wanted), request, runtime)

    def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:  # noqa: ARG002  # the protocol's
        raise Unsupported("Embeddings come whole: call the model instead of streaming it.", feature="stream")

    async def count_tokens(self, request: EmbeddingRequest, runtime: Runtime) -> int:
        """The tokens of all texts together, with the marks around each and what is put before it."""
        return await runtime.in_thread(self._counted, request)

    @property
    def counter(self) -> Callable[[str], int] | None:
        """Counts the tokens of one document exactly; ``None`` where the folder has no ``tokenizer.json``."""
        known = self.recipe
        return counter(known.network, known.prompt("document"), lower_case=known.lower_case)

    def _counted(self, request: EmbeddingRequest) -> int:
        tokens = tokens_of(self.recipe.network, lower_case=self.recipe.lower_case)
        prompt = self.recipe.prompt(request.purpose)
        return sum(map(len, tokens.of([prompt + text for text in request.inputs])))

    def _computed(self, embedder: Embedder, request: EmbeddingRequest, wanted: Wanted) -> EmbeddingResponse:
        """In the engine's thread."""
        prompt = self.recipe.prompt(request.purpose)
        texts = embedder.tokens.of([prompt + text for text in request.inputs])
        self._check(texts)
        before = 0 if self.recipe.whole or not prompt else embedder.tokens.before(prompt)
        with told_apart(self.card.model, "Send shorter texts."):
            vectors = embedder.vectors(texts, before, wanted)
        if wanted():
            vectors = shortened(vectors, self._length(request, vectors.shape[1]), normalised=self.recipe.normalised)
        provider, _, name = self.card.model.partition(":")
        return EmbeddingResponse(
            buffer=vectors.astype("<f4").tobytes(),
            count=len(texts),
            dimensions=vectors.shape[1],
            model=name,
            provider=provider,
            usage=Usage(input_tokens=sum(map(len, texts))),
            notices=embedder.notices,
            provider_metadata={**self.recipe.metadata, "precision": embedder.precision},
            attempts=(Attempt(self.card.model),),
        )

    def _length(self, request: EmbeddingRequest, whole: int | None) -> int:
        """What is left of each vector. Raises ``Unsupported``."""
        if whole is None:
            return request.dimensions or 0
        return self.recipe.shortening.length(request.dimensions, whole, self.card.model)

    def _check(self, texts: Sequence[Sequence[int]]) -> None:
        """Raise where a text is too long."""
        limit = self.recipe.input_tokens
        longest = max(map(len, texts), default=0)
        if limit is not None and longest > limit:
            message = f"A text has {longest} tokens, and {self.card.model} takes {limit}."
            raise ContextOverflow(message, prompt_tokens=longest, context_window=limit)
