"""An embedding model that is computed in this process without llama.cpp: ``embedder = "numpy"`` or ``"torch"``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any, Literal, Never

from modelhub.plugin import (
    Attempt,
    ContextOverflow,
    EmbeddingRequest,
    EmbeddingResponse,
    ModelCard,
    Plan,
    Runtime,
    TimedOut,
    Unsupported,
    Usage,
    engines,
)

if TYPE_CHECKING:
    from modelhub_llama.bert.forward import Bert
    from modelhub_llama.bert.wordpiece import WordPiece
    from modelhub_llama.options import Embedder

__all__ = ["BertEngine", "BertModel", "load_bert"]


@dataclass(frozen=True, slots=True)
class BertEngine:
    """A loaded BERT: its tokeniser, and its arithmetic. Any number of threads may use it at once."""

    wordpiece: WordPiece = field(repr=False)
    bert: Bert = field(repr=False)

    def close(self) -> None:
        """Nothing but memory is held: it is given back with the object."""

    def forget(self) -> None:
        """It has no threads of its own."""


def load_bert(path: str, embedder: Embedder, pooling: str | None) -> BertEngine:
    """Read a GGUF file. Raises ``Unsupported`` for any other than a BERT, ``SetupError`` where torch is missing."""
    from modelhub_llama.bert.forward import Bert, by_numpy
    from modelhub_llama.bert.products import by_torch
    from modelhub_llama.bert.weights import load

    weights = load(path, pooling)
    return BertEngine(weights.wordpiece, Bert(weights, by_torch if embedder == "torch" else by_numpy))


@dataclass(frozen=True, eq=False, repr=False)
class BertModel:
    """The model over a leased engine. ``prompts`` are put before texts by their purpose."""

    card: ModelCard
    plan: Plan[BertEngine]
    prompts: Mapping[Literal["query", "document"], str]
    metadata: Mapping[str, Any]
    """What responses say of their vectors."""

    def __repr__(self) -> str:
        return f"BertModel({self.card.model!r})"

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        if request.dimensions not in (None, self.card.dimensions):
            message = f"{self.card.model} makes vectors of {self.card.dimensions} numbers, and no others."
            raise Unsupported(message, feature="dimensions")
        left, until = Event(), _until(request, runtime)
        async with engines().lease(self.plan, runtime, request.timeouts) as engine:
            try:
                return await runtime.in_thread(
                    self._computed, engine, request, lambda: not left.is_set() and runtime.now() < until
                )
            except BaseException:
                left.set()  # nobody waits any more: the thread ends after its batch
                raise

    async def count_tokens(self, request: EmbeddingRequest, runtime: Runtime) -> int:
        """The tokens of all texts together, with the marks around each."""
        async with engines().lease(self.plan, runtime, request.timeouts) as engine:
            return sum(len(engine.wordpiece(text)) for text in request.inputs)

    def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:  # noqa: ARG002  # the protocol's
        raise Unsupported("Embeddings come whole: call the model instead of streaming it.", feature="stream")

    def _computed(self, engine: BertEngine, request: EmbeddingRequest, wanted: Callable[[], bool]) -> EmbeddingResponse:
        prompt = self.prompts.get(request.purpose, "") if request.purpose else ""
        texts = [engine.wordpiece(prompt + text) for text in request.inputs]
        self._check(texts)
        vectors = engine.bert.vectors(texts, wanted)
        if not wanted():
            raise self._late(request)
        return EmbeddingResponse(
            buffer=vectors.astype("<f4").tobytes(),
            count=len(texts),
            dimensions=vectors.shape[1],
            model=self.card.model.partition(":")[2],
            provider=self.card.model.partition(":")[0],
            usage=Usage(input_tokens=sum(map(len, texts))),
            provider_metadata=self.metadata,
            attempts=(Attempt(self.card.model),),
        )

    def _late(self, request: EmbeddingRequest) -> TimedOut:
        seconds = request.timeouts.total or 0.0
        return TimedOut(f"{self.card.model} was not done within {seconds:g} s (total).", phase="total", seconds=seconds)

    def _check(self, texts: Sequence[Sequence[int]]) -> None:
        """Raise where a text is too long."""
        limit = self.card.limits["input_tokens"]
        for text in texts:
            if len(text) > limit:
                message = f"A text has {len(text)} tokens, and {self.card.model} takes {limit}."
                raise ContextOverflow(message, prompt_tokens=len(text), context_window=limit)


def _until(request: EmbeddingRequest, runtime: Runtime) -> float:
    """When the request's time is over, on the runtime's clock."""
    return inf if request.timeouts.total is None else runtime.now() + request.timeouts.total
