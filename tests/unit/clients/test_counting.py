from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest

from modelhub import AsyncHub, Hub, ImagePart, InvalidRequest, Message, TextPart, TokenCount, Tool
from modelhub.clients.embedding import EmbeddingClient
from modelhub.clients.text import TextClient
from modelhub.model import ModelCard, Request, Runtime, Wrapper
from modelhub.testing.fake import FakeRuntime
from modelhub.wrappers.negotiation import Negotiation
from modelhub.wrappers.timing import Timed

CARD = ModelCard(model="counter:x", kind="text")


@dataclass(frozen=True, eq=False)
class Counts:
    """A model that counts messages, and nothing else."""

    card: ModelCard = CARD

    async def call(self, request: Any, runtime: Runtime) -> Any:
        raise AssertionError("it was only to count")

    async def stream(self, request: Any, runtime: Runtime) -> AsyncGenerator[Any, None]:
        raise AssertionError("it was only to count")
        yield

    async def count_tokens(self, request: Any, runtime: Runtime) -> int | None:
        return len(request.messages) if hasattr(request, "messages") else len(request.inputs)


class CannotCount(Counts):
    async def count_tokens(self, request: Request, runtime: Runtime) -> int | None:
        return None


@dataclass(frozen=True, eq=False)
class Plain:
    """A model that does not know of counting."""

    card: ModelCard = CARD

    async def call(self, request: Any, runtime: Runtime) -> Any: ...

    async def stream(self, request: Any, runtime: Runtime) -> AsyncGenerator[Any, None]:
        yield


def client(model: Any) -> TextClient:
    return TextClient(model, FakeRuntime(), {})


def test_a_model_that_can_count_is_asked_through_all_wrappers() -> None:
    wrapped: Any = Negotiation(Timed(Wrapper(Counts())))
    assert client(wrapped).count_tokens("東京は？", system="短く。") == TokenCount(2, exact=True)
    assert EmbeddingClient(wrapped, FakeRuntime(), {}).count_tokens(["猫", "犬"]) == TokenCount(2, exact=True)


@pytest.mark.parametrize("model", [CannotCount(), Plain(), Timed(Plain())])
def test_an_estimate_says_that_it_is_one(model: Any) -> None:
    count = client(model).count_tokens("How do I rotate a key?")
    assert not count.exact
    assert 6 <= count.tokens <= 20
    few = EmbeddingClient(model, FakeRuntime(), {}).count_tokens(["国際標準化"])
    assert not few.exact
    assert few.tokens >= 5


def test_an_estimate_counts_the_whole_conversation_and_the_tools() -> None:
    model = client(Plain())
    question = model.count_tokens("天気は？").tokens
    assert model.count_tokens("天気は？", system="日本語で。").tokens > question
    assert model.count_tokens("天気は？", tools=[Tool("weather", "The weather of a place.")]).tokens > question
    assert model.count_tokens([Message("user", "天気は？"), Message("assistant", "晴れ")]).tokens > question


def test_an_estimate_leaves_pictures_out() -> None:
    picture = Message("user", (TextPart("何？"), ImagePart(data=b"\x89PNG\r\n\x1a\n" * 1000)))
    assert client(Plain()).count_tokens([picture]) == client(Plain()).count_tokens("何？")


def test_what_cannot_be_asked_cannot_be_counted() -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        client(Counts()).count_tokens("  ")
    with pytest.raises(TypeError, match="list of texts"):
        EmbeddingClient(Plain(), FakeRuntime(), {}).count_tokens("猫")


def test_a_hub_counts_for_any_provider() -> None:
    async def awaited() -> tuple[TokenCount, TokenCount]:
        async with AsyncHub({}) as hub:
            text, embedding = hub.text("starter:quote"), hub.embedding("starter:hash")
            return await text.count_tokens("鍵を替える"), await embedding.count_tokens(["鍵"])

    with Hub({}) as hub:
        both = hub.text("starter:quote").count_tokens("鍵を替える"), hub.embedding("starter:hash").count_tokens(["鍵"])
    assert asyncio.run(awaited()) == both
    assert not both[0].exact
