"""AT-J3 and AT-L at the router: whatever a provider nests, one vector a text, in their order, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripted_router import ScriptedRouter

from modelhub import Hub
from modelhub.plugin import AnswerError
from modelhub.testing import Reply

NAME = "intfloat/multilingual-e5-large"
PATH = f"/hf-inference/models/{NAME}/pipeline/feature-extraction"
TEXTS = ["東京", "b"]
A, B = [1.0, 0.0], [0.0, 2.0]


@pytest.fixture
def router() -> Iterator[ScriptedRouter]:
    with ScriptedRouter() as router:
        yield router


def embedded(router: ScriptedRouter, said: Any, texts: list[str] = TEXTS, **options: Any) -> list[list[float]]:
    router.on(PATH, Reply(json=said))
    with Hub({"providers": {"huggingface": {**router.options, **options}}}) as hub:
        found: list[list[float]] = hub.embedding(f"huggingface:{NAME}").embed(texts).array().tolist()
    return found


@pytest.mark.parametrize(
    ("said", "texts", "vectors"),
    [
        ([A, B], TEXTS, [A, B]),
        ([[A], [B]], TEXTS, [A, B]),
        ([[[A]], [[B]]], TEXTS, [A, B]),
        (A, ["東京"], [A]),
        ([A], ["東京"], [A]),
        ([[A]], ["東京"], [A]),
        ([[[A]]], ["東京"], [A]),
    ],
)
def test_at_j3_one_vector_a_text_whatever_is_nested(
    router: ScriptedRouter, said: Any, texts: list[str], vectors: list[list[float]]
) -> None:
    assert embedded(router, said, texts) == vectors


TOKENS = [[A, [3.0, 4.0]], [B]]


@pytest.mark.parametrize(("pooling", "first"), [("mean", [2.0, 2.0]), ("cls", A), ("last", [3.0, 4.0]), ("max", [3.0, 4.0])])
def test_at_j3_vectors_of_tokens_are_pooled_as_it_is_declared(router: ScriptedRouter, pooling: str, first: list[float]) -> None:
    assert embedded(router, TOKENS, pooling=pooling) == [first, B]


def test_at_j3_nobody_guesses_a_pooling(router: ScriptedRouter) -> None:
    with pytest.raises(AnswerError, match="pooling = 'mean'"):
        embedded(router, TOKENS)


@pytest.mark.parametrize("said", [[A], [A, B, A], 0.5, [], [[]], ["a", "b"], [A, [1.0]], [A, [float("inf"), 1.0]], {"x": 1}])
def test_at_j3_and_at_l_what_is_no_vector_for_each_text_is_an_error(router: ScriptedRouter, said: Any) -> None:
    with pytest.raises(AnswerError):
        embedded(router, said)


def test_at_l_texts_go_as_texts_and_in_batches(router: ScriptedRouter) -> None:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        texts = [f"文 {number}" for number in range(600)]
        answer = hub.embedding(f"huggingface:{NAME}").embed(texts)
        alone = hub.embedding(f"huggingface:{NAME}").embed([texts[599]])
    assert len(answer) == 600
    assert answer[599] == alone[0], "vector i belongs to text i"
    sent = [received.json() for received in router.requests if received.method == "POST"]
    assert sorted(len(body["inputs"]) for body in sent[:-1]) == [88, 256, 256]
    assert all(body.keys() == {"inputs"} for body in sent)


def test_what_is_put_before_a_text_depends_on_what_it_is_for(router: ScriptedRouter) -> None:
    prompts = {"query": "query: ", "document": "passage: "}
    with Hub({"providers": {"huggingface": {**router.options, "prompts": prompts}}}) as hub:
        for name in (NAME, "BAAI/bge-m3"):
            hub.embedding(f"huggingface:{name}").embed(["東京"], purpose="query")
            hub.embedding(f"huggingface:{name}").embed(["東京"], purpose="document")
    assert [body["inputs"] for body in router.asked(PATH)] == [["query: 東京"], ["passage: 東京"]]
    assert [body["input"] for body in router.asked("/together/v1/embeddings")] == [["query: 東京"], ["passage: 東京"]]


def test_at_l_a_dialects_vectors_belong_to_their_texts(router: ScriptedRouter) -> None:
    rows = [{"index": 1, "embedding": B}, {"index": 0, "embedding": A}]
    router.on("/together/v1/embeddings", Reply(json={"data": rows, "usage": {"prompt_tokens": 3}}))
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        answer = hub.embedding("huggingface:BAAI/bge-m3").embed(TEXTS)
    assert answer.array().tolist() == [A, B]
    assert answer.usage.input_tokens == 3
    assert router.asked("/together/v1/embeddings") == [{"model": "BAAI/bge-m3-v1", "input": TEXTS}]


def test_fewer_dimensions_are_asked_of_those_who_have_them(router: ScriptedRouter) -> None:
    with Hub({"providers": {"huggingface": router.options}}) as hub:
        answer = hub.embedding("huggingface:BAAI/bge-m3:together").embed(["東京"], dimensions=8)
        whole = hub.embedding(f"huggingface:{NAME}").embed(["東京"], dimensions=8)
    assert (answer.dimensions, whole.dimensions) == (8, 32)
    assert [notice.setting for notice in whole.notices] == ["dimensions"]
