"""Reranking: ``rank`` documents by how well they answer a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from modelhub.clients.client import Client
from modelhub.clients.requests import made
from modelhub.errors import InvalidRequest
from modelhub.interfaces.checks import word
from modelhub.interfaces.reranking import RerankingModel, RerankingRequest, RerankingResponse
from modelhub.model import Timeouts
from modelhub.transport.drive import drive

__all__ = ["AsyncRerankingClient", "RerankingClient", "RerankingOptions"]


class RerankingOptions(TypedDict, total=False):
    """What ``rank`` takes beside query and documents; see ``RerankingRequest``."""

    top_n: int | None
    timeouts: Timeouts
    retries: int | None
    extra: Mapping[str, Any]


class RerankingClient(Client[RerankingModel, RerankingOptions]):
    """A reranking model by its name, blocking."""

    __slots__ = ()

    def rank(self, query: str, documents: Sequence[str], **options: Unpack[RerankingOptions]) -> RerankingResponse:
        """The documents' places, the best first."""
        request = reranking_request(query, documents, {**self.defaults, **options})
        return drive(self.model.call(request, self.runtime))


class AsyncRerankingClient(Client[RerankingModel, RerankingOptions]):
    """A reranking model by its name, awaited."""

    __slots__ = ()

    async def rank(self, query: str, documents: Sequence[str], **options: Unpack[RerankingOptions]) -> RerankingResponse:
        """The documents' places, the best first."""
        request = reranking_request(query, documents, {**self.defaults, **options})
        return await self.model.call(request, self.runtime)


def reranking_request(query: str, documents: Sequence[str], options: Mapping[str, Any]) -> RerankingRequest:
    """A request from a caller's words. Raises ``TypeError`` for a bare string, ``InvalidRequest`` where something is empty."""
    if isinstance(documents, str):
        raise TypeError("rank() takes a list of documents: write rank(query, [document]).")
    word("query", query)
    if not query.strip():
        raise InvalidRequest("The query is empty.")
    if not documents:
        raise InvalidRequest("There is nothing to rank: the list of documents is empty.")
    return made(RerankingRequest, options, query=query, documents=tuple(documents))
