from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Never

import pytest

from modelhub.config.specs import SelectSpec
from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse, pack
from modelhub.model import ModelCard, Runtime
from modelhub.prompting.examples import Example
from modelhub.prompting.selection import selection
from modelhub.testing.fake import FakeRuntime
from modelhub.transport.drive import drive

EXAMPLES = tuple(
    Example(question, str(number))
    for number, question in enumerate(
        [
            "How do I rotate a key?",
            "鍵をなくしたときは？",
            "Where are visitors met?",
            "料金はいくらですか",
            "Is it waterproof?",
            "When do you open?",
        ]
    )
)


@dataclass(eq=False)
class LengthEmbedder:
    """Near is what is as long."""

    asked: list[EmbeddingRequest] = field(default_factory=list)
    card = ModelCard(model="test:length", kind="embedding", max_batch=4)

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        self.asked.append(request)
        buffer, count, dimensions = pack([[1.0, len(text) / 10] for text in request.inputs])
        return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions)

    async def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:
        raise AssertionError(await self.call(request, runtime))
        yield  # type: ignore[unreachable]  # this makes it a stream


@pytest.fixture(params=["blocking", "asynchronous"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    return drive if request.param == "blocking" else asyncio.run


def numbers(chosen: tuple[Example, ...]) -> list[int]:
    return [int(example.output) for example in chosen]


@pytest.mark.parametrize(("k", "most", "count"), [(None, None, 6), (2, None, 2), (99, None, 6), (3, 1, 1), (None, 0, 0)])
def test_fixed_is_the_first_of_the_file(run: Any, k: int | None, most: int | None, count: int) -> None:
    chosen = selection(SelectSpec(k=k), EXAMPLES, None, most)
    assert numbers(run(chosen.choose("anything", FakeRuntime()))) == list(range(count))


def test_random_is_the_same_for_the_same_seed_and_another_for_another(run: Any) -> None:
    drawn = {
        seed: numbers(run(selection(SelectSpec(by="random", k=3, seed=seed), EXAMPLES, None, None).choose("x", FakeRuntime())))
        for seed in range(8)
    }
    again = run(selection(SelectSpec(by="random", k=3, seed=5), EXAMPLES, None, None).choose("y", FakeRuntime()))
    assert numbers(again) == drawn[5]
    assert len({tuple(one) for one in drawn.values()}) > 1
    assert all(len(set(one)) == 3 for one in drawn.values())


@pytest.mark.parametrize(("question", "best"), [("the key rotation", 0), ("料金を教えてください", 3), ("鍵をなくしました", 1)])
def test_the_most_similar_in_words_stands_next_to_the_question(run: Any, question: str, best: int) -> None:
    chosen = run(selection(SelectSpec(by="similar", k=2), EXAMPLES, None, None).choose(question, FakeRuntime()))
    assert len(chosen) == 2
    assert numbers(chosen)[-1] == best


def test_where_too_few_share_a_word_the_first_of_the_file_fill_up(run: Any) -> None:
    chosen = run(selection(SelectSpec(by="similar", k=3), EXAMPLES, None, None).choose("waterproof", FakeRuntime()))
    assert numbers(chosen) == [1, 0, 4]


def test_an_embedding_model_decides_by_meaning_and_reads_the_examples_once(run: Any) -> None:
    embedder = LengthEmbedder()
    chosen = selection(SelectSpec(by="similar", k=1, embedding="test"), EXAMPLES, embedder, None)
    longest = max(range(6), key=lambda number: len(EXAMPLES[number].input))
    assert numbers(run(chosen.choose("x" * 200, FakeRuntime()))) == [longest]
    assert numbers(run(chosen.choose("x" * 200, FakeRuntime()))) == [longest]
    assert [(len(request.inputs), request.purpose) for request in embedder.asked] == [
        (4, "document"),
        (2, "document"),
        (1, "query"),
        (1, "query"),
    ]


def test_a_question_without_words_asks_no_embedding_model(run: Any) -> None:
    embedder = LengthEmbedder()
    chosen = selection(SelectSpec(by="similar", k=2), EXAMPLES, embedder, None)
    assert numbers(run(chosen.choose("  ", FakeRuntime()))) == [0, 1]
    assert embedder.asked == []


def test_without_a_number_similar_shows_four(run: Any) -> None:
    chosen = run(selection(SelectSpec(by="similar"), EXAMPLES, None, None).choose("key", FakeRuntime()))
    assert len(chosen) == 4
