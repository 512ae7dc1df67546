"""Texts without number, a few requests' worth at a time."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Never

import pytest

from modelhub.clients.embedding import AsyncEmbeddingClient, EmbeddingClient
from modelhub.errors import BadRequest, Unsupported
from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse, pack
from modelhub.model import ModelCard, Runtime
from modelhub.retrieval.tokens import count_tokens
from modelhub.testing import FakeRuntime
from modelhub.wrappers.batching import Batching


@dataclass(frozen=True)
class Numbers:
    """Embeds "17" as 17, many times over, and refuses "bad"."""

    dimensions: int = 1

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="host:numbers", kind="embedding", max_batch=25)

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        if "bad" in request.inputs:
            raise BadRequest("not a number")
        buffer, count, dimensions = pack([[float(text)] * self.dimensions for text in request.inputs])
        return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions)

    def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:
        raise Unsupported("whole only")


def client(dimensions: int = 1) -> EmbeddingClient:
    return EmbeddingClient(Batching(Numbers(dimensions), count_tokens), FakeRuntime(), {})


def test_a_hundred_thousand_texts_pass_through_little_memory() -> None:
    """AT-L: 100k inputs stream with bounded memory: their vectors are 25.6 MB, and less than 1 MB is held at any time."""
    texts = (str(number) for number in range(100_000))
    client().embed(["1"]).array()  # imports what it needs
    seen = 0
    tracemalloc.start()
    try:
        for response in client(64).embed_all(texts):
            assert response.array()[:, 0].tolist() == [*range(seen, seen + len(response))]
            seen += len(response)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == 100_000
    assert peak < 1_000_000


def test_texts_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(1000):
            taken.append(number)
            yield str(number)

    responses = client().embed_all(texts())
    assert len(next(responses)) == 100
    assert len(taken) == 100


def test_awaited_they_come_in_the_same_order() -> None:
    async def embedded() -> list[float]:
        asked = AsyncEmbeddingClient(Batching(Numbers(), count_tokens), FakeRuntime(), {})
        return [float(value) async for response in asked.embed_all(map(str, range(250))) for value in response.array()[:, 0]]

    assert asyncio.run(embedded()) == [*range(250)]


def test_an_error_and_a_notice_name_the_place_among_all_texts() -> None:
    """AT-L: reported by original position."""
    texts = [str(number) for number in range(300)]
    texts[210] = "bad"
    with pytest.raises(BadRequest, match=r"^inputs\[210\]: not a number") as failure:
        list(client().embed_all(texts))
    assert failure.value.position == 210
    texts[210] = " "
    last = list(client().embed_all(texts, on_empty="skip"))[-1]
    assert last.skipped == (210,)
    assert "inputs[210]" in last.notices[0].message


def test_a_bare_string_is_refused() -> None:
    """AT-L: a str is not embedded letter by letter."""
    with pytest.raises(TypeError, match="embed_all"):
        next(client().embed_all("words"))
    with pytest.raises(TypeError, match=r"embed\(\[text\]\)"):
        client().embed("words")
