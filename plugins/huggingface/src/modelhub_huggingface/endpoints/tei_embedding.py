"""Embeddings on Text Embeddings Inference: ``embed``, whose headers tell the tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Never, Self

from modelhub.plugin import (
    AnswerError,
    BadRequest,
    Decoder,
    EmbeddingRequest,
    EmbeddingResponse,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Unsupported,
)
from modelhub_huggingface.endpoints.computed import computed
from modelhub_huggingface.endpoints.server import Server
from modelhub_huggingface.options import Prompts
from modelhub_huggingface.pipelines.answers import parsed
from modelhub_huggingface.pipelines.embedding import prefixed
from modelhub_huggingface.pipelines.vectors import packed

__all__ = ["AT_ONCE", "Embed"]

AT_ONCE = 32
"""Texts of one request, unless TEI was started with another ``--max-client-batch-size``."""
Purpose = Literal["query", "document"]


@dataclass(frozen=True)
class Embed:
    """One model of one TEI.

    What a text is embedded for goes as ``prompt_name``, unless the options say what is put before such texts; a model that
    has no prompt of that name refuses it once, and is not told it again. A text that is too long is refused rather than cut:
    which of the two it should come to, ``on_long`` says. Its responses have no ``raw``: the vectors stand there once.
    """

    site: Server
    name: str
    card: ModelCard
    normalize: bool | None = None
    prompts: Prompts = Prompts()
    nameless: frozenset[Purpose] = frozenset()
    """Purposes that the model has no prompt for."""

    def build(self, request: EmbeddingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("Embeddings come whole: call the model instead of streaming it.", feature="stream")
        inputs = prefixed(request, self.prompts)
        named = request.purpose if inputs is request.inputs and request.purpose not in self.nameless else None
        body = {
            "inputs": inputs,
            "normalize": self.normalize,
            "truncate": False,
            "prompt_name": named,
            "dimensions": request.dimensions,
        }
        written = {name: value for name, value in body.items() if value is not None}
        return self.site.call("embed", {**written, **request.extra.get(self.site.provider, {})})

    def parse(self, response: HttpResponse) -> EmbeddingResponse:
        said = parsed(response, self.site, self.name)
        if not isinstance(said, list) or not said or not isinstance(said[0], list):
            raise AnswerError("The server sent no vectors.", head=response.body[:200])
        buffer, count, dimensions = packed(said)
        usage, told = computed(response)
        return EmbeddingResponse(
            buffer=buffer,
            count=count,
            dimensions=dimensions,
            model=self.name,
            provider=self.site.provider,
            usage=usage,
            provider_metadata=told,
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

    def learned(self, error: ModelhubError) -> Self | None:
        """The same without the name of a prompt that the model does not have."""
        if not isinstance(error, BadRequest) or "prompt" not in error.message:
            return None
        purposes: tuple[Purpose, ...] = ("query", "document")
        missing = {purpose for purpose in purposes if f"`{purpose}`" in error.message} - self.nameless
        return replace(self, nameless=self.nameless | missing) if missing else None
