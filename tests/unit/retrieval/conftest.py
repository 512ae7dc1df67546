"""What the tests of retrieval share: both manners of waiting, and models small enough to see through."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Never

import pytest

from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse, pack
from modelhub.interfaces.reranking import Ranked, RerankingRequest, RerankingResponse
from modelhub.model import ModelCard, Runtime
from modelhub.transport.drive import drive

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=["blocking", "asynchronous"])
def run(request: pytest.FixtureRequest) -> Run:
    """Waits for a coroutine, with an event loop and without one."""
    return drive if request.param == "blocking" else asyncio.run


@dataclass(eq=False)
class LetterEmbedder:
    """Embeds a text as how often each of 64 kinds of letter occurs in it; keeps what it was asked."""

    model: str = "test:letters"
    max_batch: int | None = 4
    asked: list[EmbeddingRequest] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    counter: Callable[[str], int] | None = None

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=self.model, kind="embedding", max_batch=self.max_batch, limits=self.limits)

    @property
    def documents(self) -> list[str]:
        return [text for request in self.asked if request.purpose == "document" for text in request.inputs]

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        self.asked.append(request)
        buffer, count, dimensions = pack([self._vector(text) for text in request.inputs])
        return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions)

    def _vector(self, text: str) -> list[float]:
        letters = Counter(ord(letter) % 64 for letter in text.casefold() if letter.isalnum())
        return [float(letters[kind]) for kind in range(64)]

    async def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:
        raise AssertionError(await self.call(request, runtime))
        yield  # type: ignore[unreachable]  # this makes it a stream


@dataclass(eq=False)
class LengthReranker:
    """Puts the shortest document first."""

    asked: list[RerankingRequest] = field(default_factory=list)
    card = ModelCard(model="test:length", kind="reranking")

    async def call(self, request: RerankingRequest, runtime: Runtime) -> RerankingResponse:
        self.asked.append(request)
        order = sorted(range(len(request.documents)), key=lambda index: len(request.documents[index]))
        ranking = tuple(Ranked(index, -float(len(request.documents[index]))) for index in order)
        return RerankingResponse(ranking=ranking[: request.top_n])

    async def stream(self, request: RerankingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:
        raise AssertionError(await self.call(request, runtime))
        yield  # type: ignore[unreachable]  # this makes it a stream


@pytest.fixture
def embedder() -> LetterEmbedder:
    return LetterEmbedder()


@pytest.fixture
def embedder_named() -> Callable[[str], LetterEmbedder]:
    return LetterEmbedder


@pytest.fixture
def reranker() -> LengthReranker:
    return LengthReranker()
