"""Embeddings of llama.cpp: texts with the model's prompts before them, vectors pooled by the model, the server, or here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from modelhub_openai.embeddings import EmbeddingEndpoint
from modelhub_openai.site import Site

from modelhub.plugin import (
    AnswerError,
    ContextOverflow,
    EmbeddingModel,
    EmbeddingRequest,
    EmbeddingResponse,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Plan,
    Unsupported,
)
from modelhub_llama.bert.wordpiece import TOKENS, wordpiece
from modelhub_llama.gguf.header import Header
from modelhub_llama.options import LlamaOptions, Pooling
from modelhub_llama.pooling import too_long

__all__ = ["Told", "VectorEndpoint", "in_process", "vectors"]

_MODES: Mapping[Any, Pooling] = {0: "none", 1: "mean", 2: "cls", 3: "last", 4: "rank"}
_PURPOSES: tuple[Literal["query", "document"], ...] = ("query", "document")
_AT_ONCE = 32
"""Texts of one request in process: few enough that a caller who leaves is not computed for long."""
_USUAL, _LONGEST = 4096, 8192
"""Tokens of one text, which go through the network at once: where nobody says how many, and at most."""
_UNPOOLED = re.compile(rb'"embedding"\s*:\s*\[\s*\[')
_ADVICE = 'say how the vectors of its tokens become one: pooling = "mean" (or "cls", "last") in the provider\'s options'


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of a model's vectors: from its file, and from the options, which go first."""

    pooling: Pooling | None = None
    normalised: bool | None = None
    """Whether the model's vectors are meant to have the length 1; unknown, they come as the server makes them."""
    prompts: Mapping[Literal["query", "document"], str] = field(default_factory=dict)
    dimensions: int | None = None
    input_tokens: int | None = None
    tokens: Callable[[str], list[int]] | None = field(default=None, repr=False)
    """Cuts a text into the model's tokens as its makers do. llama.cpp's own way loses the vowels of Korean and of Hindi."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What responses say of their vectors."""
        known = {"pooling": self.pooling, "normalised": self.normalised}
        return {key: value for key, value in known.items() if value is not None}

    @classmethod
    def by(cls, header: Header, options: LlamaOptions) -> Told:
        """What a file says, as these options have it run."""
        said = {purpose: header.text(f"modelhub.embedding.prompt.{purpose}") for purpose in _PURPOSES}
        limits = [options.context_window, header.number("modelhub.embedding.input_tokens"), header.context_length]
        normalised = header.metadata.get("modelhub.embedding.normalised")
        return cls(
            pooling=options.pooling or _MODES.get(header.own("pooling_type")),
            normalised=normalised if isinstance(normalised, bool) else None,
            prompts={**{purpose: prompt for purpose, prompt in said.items() if prompt}, **options.prompts.given()},
            dimensions=header.own("embedding_length_out") or header.own("embedding_length"),
            input_tokens=min(min((limit for limit in limits if limit), default=_USUAL), _LONGEST),
            tokens=wordpiece(header.metadata),
        )


def in_process(name: str, options: LlamaOptions) -> EmbeddingModel:
    """The model of a GGUF file, computed in this process. Raises ``UnknownModel``, ``GgufError`` or ``Unsupported``."""
    from modelhub_llama.gguf.cards import card
    from modelhub_llama.gguf.finding import find
    from modelhub_llama.gguf.header import read
    from modelhub_llama.models import engine_plan
    from modelhub_llama.resident import Resident

    path = find(name, options)
    told = Told.by(read(path, whole=(TOKENS,) if options.embedder == "llama.cpp" else ()), options)
    if told.pooling == "rank":
        model = f"{options.provider}:{name}"
        raise Unsupported(f"{model} gives scores and no vectors: ask hub.reranking for it.", feature="embedding", model=model)
    known = _described(card(path, name, options), told)
    plan = engine_plan("embedding", path, name, options, told.input_tokens or 512)
    if options.embedder != "llama.cpp":
        return _computed_here(path, options, plan, known, told)
    return Resident(known, plan, lambda engine: vectors(engine.reached(options), name, told), streamed=False)


def _described(card: ModelCard, told: Told) -> ModelCard:
    limits = {"input_tokens": told.input_tokens} if told.input_tokens else {}
    own = replace(card, kind="embedding", capabilities={}, settings=frozenset(), dimensions=told.dimensions)
    return replace(own, context_window=told.input_tokens, max_batch=_AT_ONCE, limits=limits)


def _computed_here(path: str, options: LlamaOptions, plan: Plan[Any], card: ModelCard, told: Told) -> EmbeddingModel:
    """On the same terms as llama.cpp is loaded with, and without it."""
    from modelhub_llama.bert.embedder import BertModel, load_bert

    own = replace(
        plan,
        key=(plan.key, options.embedder),
        load=lambda: load_bert(path, options.embedder, told.pooling),
        memory=4 * card.parameters if card.parameters else None,
    )
    return BertModel(replace(card, max_batch=256), own, told.prompts, told.metadata)


def vectors(site: Site, name: str, told: Told) -> EmbeddingModel:
    """An embedding model that is asked over HTTP."""
    from modelhub_llama.counting import CountingVectors

    return CountingVectors(HttpModel(VectorEndpoint(site, name, told=told)), site, name, told.tokens)


@dataclass(frozen=True, kw_only=True)
class VectorEndpoint(EmbeddingEndpoint):
    """``POST embeddings`` of llama.cpp, and of servers that send the vectors of tokens where a text's was asked for."""

    told: Told

    def __post_init__(self) -> None:
        EmbeddingEndpoint.__post_init__(self)
        apart = self.told.pooling in ("mean", "cls", "last")  # llama-cpp-python mixes up the tokens of texts sent together
        object.__setattr__(self, "card", replace(self.card, settings=frozenset(), max_batch=1 if apart else None))

    def build(self, request: EmbeddingRequest, *, stream: bool) -> HttpRequest:
        if request.dimensions not in (None, self.told.dimensions):
            raise Unsupported(f"{self.name} makes vectors of one length only: leave out dimensions.", feature="dimensions")
        prompt = self.told.prompts.get(request.purpose, "") if request.purpose else ""
        texts = tuple(prompt + text for text in request.inputs) if prompt else request.inputs
        own: dict[str, Any] = {"embd_normalize": -1} if self.told.normalised is False else {}
        if self.told.tokens is not None:
            own["input"] = [self._fitting(self.told.tokens(text)) for text in texts]
        extra = {**request.extra, self.site.provider: {**own, **request.extra.get(self.site.provider, {})}}
        return super().build(replace(request, inputs=texts, dimensions=None, extra=extra), stream=stream)

    def _fitting(self, tokens: list[int]) -> list[int]:
        """The tokens of one text. Raises ``ContextOverflow``."""
        limit = self.told.input_tokens
        if limit is not None and len(tokens) > limit:
            message = f"A text has {len(tokens)} tokens, and {self.name} takes {limit}."
            raise ContextOverflow(message, prompt_tokens=len(tokens), context_window=limit)
        return tokens

    def parse(self, response: HttpResponse) -> EmbeddingResponse:
        unpooled = _UNPOOLED.search(response.body) is not None
        answer = super().parse(self._pooled(response) if unpooled else response)
        done = {"normalised": True} if unpooled else {}
        return replace(answer, provider_metadata={**self.told.metadata, **done})

    def fault(self, response: HttpResponse) -> ModelhubError:
        error = super().fault(response)
        if "pooling type 'none'" in error.message.lower():
            return Unsupported(f"{self.name} has no pooling of its own: {_ADVICE}.", feature="pooling")
        return too_long(error, self.name) or error

    def _pooled(self, response: HttpResponse) -> HttpResponse:
        """The answer with one vector for each text, of the length 1."""
        mode = self.told.pooling
        if mode not in ("mean", "cls", "last"):
            raise AnswerError(f"The server sent a vector for each token of {self.name}: {_ADVICE}.", head=response.body[:200])
        answer = json.loads(response.body)
        for item in answer["data"]:
            item["embedding"] = _one(item["embedding"], mode)
        return replace(response, body=json.dumps(answer).encode())


def _one(rows: list[list[float]], mode: Literal["mean", "cls", "last"]) -> list[float]:
    """One vector of those of the tokens, with the length 1."""
    from math import hypot

    match mode:
        case "mean":
            vector = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        case "cls":
            vector = rows[0]
        case "last":
            vector = rows[-1]
    length = hypot(*vector) or 1.0
    return [number / length for number in vector]
