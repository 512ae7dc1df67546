"""Embeddings: ``POST api/embed``, any number of texts at once, one vector a text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    EmbeddingRequest,
    EmbeddingResponse,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Unsupported,
    Usage,
    pack,
)
from modelhub_llama.ollama.faults import error_in, reported
from modelhub_llama.ollama.site import Ollama

__all__ = ["Embeddings"]

_MANY = 65_536
"""Bytes of an answer from which on the fast parser is worth its import."""
_AT_ONCE = 256
"""Texts of one request: Ollama sets no limit, and takes them one after another."""


@dataclass(frozen=True)
class Embeddings:
    """A text that is too long is refused rather than cut: which of the two it should come to, ``on_long`` says.

    The ``raw`` of its responses is the answer without the vectors: they stand there once.
    """

    site: Ollama
    name: str
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        window = self.site.context_window
        card = ModelCard(
            model=f"{self.site.provider}:{self.name}",
            kind="embedding",
            settings=frozenset({"dimensions"}),
            context_window=window,
            max_batch=_AT_ONCE,
            limits={} if window is None else {"input_tokens": window},
            local=self.site.local(self.name),
        )
        object.__setattr__(self, "card", card)

    def build(self, request: EmbeddingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("Embeddings come whole: call the model instead of streaming it.", feature="stream")
        body = {"model": self.name, "input": request.inputs, "truncate": False, "dimensions": request.dimensions}
        return self.site.post("embed", self.site.body(body, request.extra.get(self.site.provider, {})))

    def parse(self, response: HttpResponse) -> EmbeddingResponse:
        said = _object(response.body)
        if error_in(said):
            raise reported(said, self.site, self.name)
        vectors = said.pop("embeddings", None)
        if not isinstance(vectors, list) or not vectors:
            raise AnswerError("Ollama sent no vectors.", head=response.body[:200])
        buffer, count, dimensions = pack(vectors)
        entered, model = said.get("prompt_eval_count"), said.get("model")
        return EmbeddingResponse(
            buffer=buffer,
            count=count,
            dimensions=dimensions,
            model=model if isinstance(model, str) else "",
            provider=self.site.provider,
            usage=Usage(input_tokens=entered if type(entered) is int and entered > 0 else None),
            raw=said,
        )

    def completed(self, request: EmbeddingRequest, response: EmbeddingResponse) -> EmbeddingResponse:
        """The same response, which has to have a vector for each text."""
        if len(response) != len(request.inputs):
            raise AnswerError(f"{len(request.inputs)} texts were sent and {len(response)} vectors came.")
        return response

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("Embeddings come whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)


def _object(body: bytes) -> dict[str, Any]:
    """The answer's members. Numbers by the million: this is where the time goes."""
    if len(body) < _MANY:
        said = json.loads(body)
    else:
        from pydantic_core import from_json

        said = from_json(body)
    if not isinstance(said, dict):
        raise AnswerError("The answer is not a JSON object.", head=body[:200])
    return said
