"""Embedding: ``embed`` texts, ``embed_all`` of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from modelhub.clients.client import Client
from modelhub.clients.requests import made
from modelhub.errors import InvalidRequest, ModelhubError
from modelhub.interfaces.embedding import EmbeddingModel, EmbeddingRequest, EmbeddingResponse
from modelhub.model import ModelCard, Notice, Timeouts
from modelhub.transport.drive import drive

if TYPE_CHECKING:
    from modelhub.clients.counting import TokenCount

__all__ = ["AsyncEmbeddingClient", "EmbeddingClient", "EmbeddingOptions"]


class EmbeddingOptions(TypedDict, total=False):
    """What ``embed`` takes beside the texts; see ``EmbeddingRequest``."""

    purpose: Literal["query", "document"] | None
    dimensions: int | None
    on_empty: Literal["error", "skip", "zero"]
    on_long: Literal["error", "truncate", "mean"]
    timeouts: Timeouts
    retries: int | None
    extra: Mapping[str, Any]


class EmbeddingClient(Client[EmbeddingModel, EmbeddingOptions]):
    """An embedding model by its name, blocking."""

    __slots__ = ()

    def embed(self, inputs: Sequence[str], **options: Unpack[EmbeddingOptions]) -> EmbeddingResponse:
        """One vector a text, in the texts' order; ``.array()`` is float32 of shape (len(inputs), dimensions)."""
        return drive(self.model.call(embedding_request(inputs, {**self.defaults, **options}), self.runtime))

    def count_tokens(self, inputs: Sequence[str]) -> TokenCount:
        """How many tokens the texts are, together. Where the model cannot count, ``exact`` is false: an estimate from above."""
        from modelhub.clients.counting import counted_inputs

        return drive(counted_inputs(self.model, embedding_request(inputs, self.defaults), self.runtime))

    def embed_all(self, inputs: Iterable[str], **options: Unpack[EmbeddingOptions]) -> Iterator[EmbeddingResponse]:
        """The same for more texts than memory holds vectors of: a response for each few requests' worth, in order.

        Texts are taken from ``inputs`` as they are needed. ``timeouts.total`` counts for each response by itself; an error's
        ``position`` is that among all texts.
        """
        for first, some in windows(inputs, self.card):
            with counted_from(first):
                response = self.embed(some, **options)
            yield placed_from(first, response)


class AsyncEmbeddingClient(Client[EmbeddingModel, EmbeddingOptions]):
    """An embedding model by its name, awaited."""

    __slots__ = ()

    async def embed(self, inputs: Sequence[str], **options: Unpack[EmbeddingOptions]) -> EmbeddingResponse:
        """One vector a text, in the texts' order; ``.array()`` is float32 of shape (len(inputs), dimensions)."""
        return await self.model.call(embedding_request(inputs, {**self.defaults, **options}), self.runtime)

    async def count_tokens(self, inputs: Sequence[str]) -> TokenCount:
        """How many tokens the texts are, together. Where the model cannot count, ``exact`` is false: an estimate from above."""
        from modelhub.clients.counting import counted_inputs

        return await counted_inputs(self.model, embedding_request(inputs, self.defaults), self.runtime)

    async def embed_all(self, inputs: Iterable[str], **options: Unpack[EmbeddingOptions]) -> AsyncIterator[EmbeddingResponse]:
        """The same for more texts than memory holds vectors of: a response for each few requests' worth, in order.

        Texts are taken from ``inputs`` as they are needed. ``timeouts.total`` counts for each response by itself; an error's
        ``position`` is that among all texts.
        """
        for first, some in windows(inputs, self.card):
            with counted_from(first):
                response = await self.embed(some, **options)
            yield placed_from(first, response)


def embedding_request(inputs: Sequence[str], options: Mapping[str, Any]) -> EmbeddingRequest:
    """A request from a caller's texts. Raises ``TypeError`` for a bare string, ``InvalidRequest`` for no texts at all."""
    if isinstance(inputs, str):
        raise TypeError("embed() takes a list of texts: write embed([text]).")
    texts = tuple(inputs)
    if not texts:
        raise InvalidRequest("There is nothing to embed: the list of texts is empty.")
    return made(EmbeddingRequest, options, inputs=texts)


def windows(inputs: Iterable[str], card: ModelCard) -> Iterator[tuple[int, list[str]]]:
    """As many texts at a time as four requests take, with the place of the first. Raises ``TypeError`` for a bare string."""
    if isinstance(inputs, str):
        raise TypeError("embed_all() takes texts: write embed_all([text]).")
    texts, first = iter(inputs), 0
    while some := list(islice(texts, 4 * (card.max_batch or 256))):
        yield first, some
        first += len(some)


@contextmanager
def counted_from(first: int) -> Generator[None, None, None]:
    """Errors about one text name its place among all."""
    try:
        yield
    except ModelhubError as error:
        if error.position is not None and first:
            place = error.position + first
            error.args = (error.message.replace(f"inputs[{error.position}]", f"inputs[{place}]", 1),)
            error.position = place
        raise


def placed_from(first: int, response: EmbeddingResponse) -> EmbeddingResponse:
    """``skipped`` and the notices name places among all texts."""
    if not first or not (response.skipped or response.notices):
        return response
    skipped = tuple(place + first for place in response.skipped)
    return replace(response, skipped=skipped, notices=tuple(_moved(notice, first) for notice in response.notices))


def _moved(notice: Notice, first: int) -> Notice:
    return replace(notice, message=re.sub(r"inputs\[(\d+)\]", lambda found: f"inputs[{int(found[1]) + first}]", notice.message))
