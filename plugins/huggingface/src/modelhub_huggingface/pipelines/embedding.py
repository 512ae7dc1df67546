"""Feature extraction: texts in, one vector a text out, also where the server gives one a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Never, Self

from modelhub.plugin import (
    Decoder,
    EmbeddingRequest,
    EmbeddingResponse,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Unsupported,
)
from modelhub_huggingface.options import Pooling, Prompts
from modelhub_huggingface.pipelines.answers import parsed
from modelhub_huggingface.pipelines.site import PipelineSite
from modelhub_huggingface.pipelines.vectors import packed, vectors

__all__ = ["PipelineEmbedding", "prefixed"]


def prefixed(request: EmbeddingRequest, prompts: Prompts) -> tuple[str, ...]:
    """The texts with what is put before those of their purpose."""
    prefix = {"query": prompts.query, "document": prompts.document}.get(request.purpose or "") or ""
    return tuple(prefix + text for text in request.inputs) if prefix else request.inputs


@dataclass(frozen=True)
class PipelineEmbedding:
    """``feature-extraction``; how many texts there were, which the shape of the answer does not tell, its request says.

    The ``raw`` of its responses is ``None``: the vectors stand there once.
    """

    site: PipelineSite
    name: str
    card: ModelCard
    pooling: Pooling | None = None
    normalize: bool | None = None
    prompts: Prompts = Prompts()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def build(self, request: EmbeddingRequest, *, stream: bool) -> HttpRequest:
        if stream:
            raise Unsupported("Embeddings come whole: call the model instead of streaming it.", feature="stream")
        options = {} if self.normalize is None else {"normalize": self.normalize}
        extra = request.extra.get(self.site.provider, {})
        return self.site.ask({"inputs": prefixed(request, self.prompts), **options, **self.arguments, **extra})

    def parse(self, response: HttpResponse) -> EmbeddingResponse:
        """The answer as it came, since only the request tells how many vectors it is: ``completed`` makes them of it."""
        return EmbeddingResponse(model=self.name, provider=self.site.provider, raw=parsed(response, self.site, self.name))

    def completed(self, request: EmbeddingRequest, response: EmbeddingResponse) -> EmbeddingResponse:
        rows = vectors(response.raw, len(request.inputs), self.pooling)
        buffer, count, dimensions = packed(rows, normalize=bool(self.normalize))
        return replace(response, buffer=buffer, count=count, dimensions=dimensions, raw=None)

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("Embeddings come whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def learned(self, error: ModelhubError) -> Self | None:  # noqa: ARG002  # there is only one form
        return None
