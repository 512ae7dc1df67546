"""Embedding: ``embed`` texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from modelhub.clients.client import Client
from modelhub.clients.requests import made
from modelhub.errors import InvalidRequest
from modelhub.interfaces.embedding import EmbeddingModel, EmbeddingRequest, EmbeddingResponse
from modelhub.model import Timeouts
from modelhub.transport.drive import drive

__all__ = ["AsyncEmbeddingClient", "EmbeddingClient", "EmbeddingOptions"]


class EmbeddingOptions(TypedDict, total=False):
    """What ``embed`` takes beside the texts; see ``EmbeddingRequest``."""

    purpose: Literal["query", "document"] | None
    dimensions: int | None
    timeouts: Timeouts
    retries: int | None
    extra: Mapping[str, Any]


class EmbeddingClient(Client[EmbeddingModel, EmbeddingOptions]):
    """An embedding model by its name, blocking."""

    __slots__ = ()

    def embed(self, inputs: Sequence[str], **options: Unpack[EmbeddingOptions]) -> EmbeddingResponse:
        """One vector a text, in the texts' order; ``.array()`` is float32 of shape (len(inputs), dimensions)."""
        return drive(self.model.call(embedding_request(inputs, {**self.defaults, **options}), self.runtime))


class AsyncEmbeddingClient(Client[EmbeddingModel, EmbeddingOptions]):
    """An embedding model by its name, awaited."""

    __slots__ = ()

    async def embed(self, inputs: Sequence[str], **options: Unpack[EmbeddingOptions]) -> EmbeddingResponse:
        """One vector a text, in the texts' order; ``.array()`` is float32 of shape (len(inputs), dimensions)."""
        return await self.model.call(embedding_request(inputs, {**self.defaults, **options}), self.runtime)


def embedding_request(inputs: Sequence[str], options: Mapping[str, Any]) -> EmbeddingRequest:
    """A request from a caller's texts. Raises ``TypeError`` for a bare string, ``InvalidRequest`` for no texts at all."""
    if isinstance(inputs, str):
        raise TypeError("embed() takes a list of texts: write embed([text]).")
    texts = tuple(inputs)
    if not texts:
        raise InvalidRequest("There is nothing to embed: the list of texts is empty.")
    return made(EmbeddingRequest, options, inputs=texts)
