"""Vectors on an endpoint: AT-L and AT-J3: order, limits, lengths, purposes, and whatever a server nests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from endpoint_hub import MODEL, config
from modelhub_huggingface.endpoints.embedding import model
from modelhub_huggingface.options import HuggingFaceOptions, Prompts
from modelhub_huggingface.pipelines.vectors import packed, vectors
from scripted_endpoint import ScriptedEndpoint
from scripted_words import pieces, vector

from modelhub import Hub
from modelhub.plugin import AnswerError, ContextOverflow, EmbeddingRequest, RateLimited, Unsupported
from modelhub.testing import Driven, FaultServer, Reply

TEXTS = ("東京は雨です。", "It rains in Tokyo.", "パンには小麦粉がいる。")


def served(url: str, **options: Any) -> Any:
    return model("org/tiny", HuggingFaceOptions(base_url=url, cold_start=0.0, **options))


# tei


def test_each_text_has_its_vector_and_tokens_are_counted(runtime: Driven) -> None:
    with ScriptedEndpoint("tei") as endpoint:
        response = runtime.call(served(endpoint.url), EmbeddingRequest(inputs=TEXTS))
        (asked,) = endpoint.asked("/embed")
    assert asked == {"inputs": list(TEXTS), "truncate": False}
    assert np.allclose(response.array(), [vector(text, 32) for text in TEXTS], atol=1e-6)
    assert response.usage.input_tokens == sum(len(pieces(text)) for text in TEXTS)
    assert response.provider_metadata["compute-time"] == "3"


def test_at_l_batches_are_of_32_and_smaller_where_the_server_says_so() -> None:
    texts = [f"文 {number}" for number in range(70)]
    with ScriptedEndpoint("tei", batch=20) as endpoint, Hub(config(endpoint)) as hub:
        response = hub.embedding(MODEL).embed(texts)
        first = [len(asked["inputs"]) for asked in endpoint.asked("/embed")]
        hub.embedding(MODEL).embed(texts)
        later = [len(asked["inputs"]) for asked in endpoint.asked("/embed")][len(first) :]
    assert np.allclose(response.array(), [vector(text, 32) for text in texts], atol=1e-6)
    assert max(first) == 32
    assert max(later) <= 20, "what a refusal taught holds for later calls"


def test_at_l_a_text_that_is_too_long_is_refused_with_its_place_and_the_numbers() -> None:
    texts = ["short", "one two three four five six seven eight nine ten", "also short"]
    with (
        ScriptedEndpoint("tei", window=8) as endpoint,
        Hub(config(endpoint)) as hub,
        pytest.raises(ContextOverflow, match=r"inputs\[1\]") as told,
    ):
        hub.embedding(MODEL).embed(texts)
    assert (told.value.prompt_tokens, told.value.context_window, told.value.position) == (10, 8, 1)


def test_a_length_that_the_options_tell_saves_the_refusal() -> None:
    with ScriptedEndpoint("tei", window=8) as endpoint, Hub(config(endpoint, context_window=8)) as hub:
        with pytest.raises(ContextOverflow):
            hub.embedding(MODEL).embed(["word " * 100])
        assert not endpoint.requests


@pytest.mark.parametrize("how", ["truncate", "mean"])
def test_at_l_or_it_is_cut_as_the_request_says_and_never_in_silence(how: Any) -> None:
    long = " ".join(f"word{number}" for number in range(30))
    with ScriptedEndpoint("tei", window=8) as endpoint, Hub(config(endpoint)) as hub:
        response = hub.embedding(MODEL).embed(["short", long], on_long=how)
        assert not any(asked["truncate"] for asked in endpoint.asked("/embed")), "a server that cuts says nothing of it"
    assert len(response) == 2
    assert [notice.setting for notice in response.notices] == ["on_long"]


def test_the_purpose_goes_as_the_name_of_a_prompt(runtime: Driven) -> None:
    with ScriptedEndpoint("tei") as endpoint:
        response = runtime.call(served(endpoint.url), EmbeddingRequest(inputs=("東京",), purpose="query"))
        assert endpoint.asked("/embed")[0]["prompt_name"] == "query"
    assert np.allclose(response.array()[0], vector("query東京", 32), atol=1e-6)


@pytest.mark.parametrize("prompts", [("query",), ()])
def test_a_model_without_a_prompt_of_that_name_is_not_told_it_again(runtime: Driven, prompts: tuple[str, ...]) -> None:
    with ScriptedEndpoint("tei", prompts=prompts) as endpoint:
        asked = served(endpoint.url)
        for _ in range(2):
            response = runtime.call(asked, EmbeddingRequest(inputs=("東京",), purpose="document"))
        names = [body.get("prompt_name") for body in endpoint.asked("/embed")]
        runtime.call(asked, EmbeddingRequest(inputs=("東京",), purpose="query"))
        assert endpoint.asked("/embed")[3].get("prompt_name") == "query", "the other purpose is still tried"
    assert names == ["document", None, None]
    assert np.allclose(response.array()[0], vector("東京", 32), atol=1e-6)


@pytest.mark.parametrize("server", ["tei", "openai", "plain"])
def test_what_the_options_put_before_a_text_is_put_there_by_us(runtime: Driven, server: Any) -> None:
    prompts = Prompts(query="query: ", document="passage: ")
    with ScriptedEndpoint(server, "feature-extraction") as endpoint:
        asked = served(endpoint.url, server=server, prompts=prompts)
        rows = [
            runtime.call(asked, EmbeddingRequest(inputs=("東京",), purpose=purpose)).array()[0]
            for purpose in ("query", "document", None)
        ]
        bodies = [received.json() for received in endpoint.requests]
    assert not any("prompt_name" in body for body in bodies)
    assert np.allclose(rows, [vector(text, 32) for text in ("query: 東京", "passage: 東京", "東京")], atol=1e-6)


def test_dimensions_and_normalisation_are_the_servers() -> None:
    with ScriptedEndpoint("tei") as endpoint, Hub(config(endpoint, normalize=False)) as hub:
        assert hub.embedding(MODEL).embed(["a"], dimensions=8).dimensions == 8
        assert endpoint.asked("/embed")[0]["dimensions"] == 8
        assert endpoint.asked("/embed")[0]["normalize"] is False


def test_at_l_a_server_that_gives_other_dimensions_is_found_out() -> None:
    body = [[0.5, 0.25, 0.5]]
    with (
        FaultServer(Reply(json=body)) as server,
        Hub({"providers": {"huggingface": {"base_url": server.url}}}) as hub,
        pytest.raises(AnswerError, match="3 numbers"),
    ):
        hub.embedding(MODEL).embed(["a"], dimensions=2)


@pytest.mark.parametrize(
    "body", [[[0.5, 0.5], [0.5]], [[0.5, 0.5]], [], {}, "x", [[None, 0.5], [0.1, 0.2]], [["a", "b"], ["c", "d"]], [0.5, 0.5]]
)
@pytest.mark.parametrize("server", ["tei", "plain"])
def test_at_l_vectors_that_are_none_raise(runtime: Driven, server: Any, body: Any) -> None:
    with FaultServer(Reply(json=body)) as faulty, pytest.raises(AnswerError):
        runtime.call(served(faulty.url, server=server), EmbeddingRequest(inputs=("a", "b")))


def test_a_server_that_is_overloaded_says_so(runtime: Driven) -> None:
    refusal = Reply(429, json={"error": "Model is overloaded", "error_type": "Overloaded"})
    with FaultServer(refusal) as server, pytest.raises(RateLimited):
        runtime.call(served(server.url), EmbeddingRequest(inputs=("a",)))


def test_a_tgi_makes_no_vectors() -> None:
    with pytest.raises(
        Unsupported, match="server is 'tgi', which has no embedding: write server = 'tei' or 'openai' or 'plain'"
    ):
        served("http://127.0.0.1:9", server="tgi")


# the OpenAI-like operation


def test_an_openai_like_server_is_asked_at_its_own_operation(runtime: Driven) -> None:
    with ScriptedEndpoint("openai") as endpoint:
        response = runtime.call(served(endpoint.url, server="openai"), EmbeddingRequest(inputs=TEXTS))
        assert endpoint.asked("/v1/embeddings")[0]["input"] == list(TEXTS)
    assert np.allclose(response.array(), [vector(text, 32) for text in TEXTS], atol=1e-6)
    assert response.usage.input_tokens == sum(len(pieces(text)) for text in TEXTS)


def test_its_refusal_of_a_long_text_is_understood_in_its_flat_form() -> None:
    """TEI's OpenAI-like operation puts no ``error`` around its errors."""
    with (
        ScriptedEndpoint("openai", window=4) as endpoint,
        Hub(config(endpoint)) as hub,
        pytest.raises(ContextOverflow, match=r"less than 4 tokens\. Given: 6"),
    ):
        hub.embedding(MODEL).embed(["one two three four five six"])


# at j3: whatever a server nests


A, B = [1.0, 2.0], [3.0, 4.0]


@pytest.mark.parametrize(
    ("said", "count", "rows"),
    [
        (A, 1, [A]),
        ([A], 1, [A]),
        ([[A]], 1, [A]),
        ([[[A]]], 1, [A]),
        ([A, B], 2, [A, B]),
        ([[A], [B]], 2, [A, B]),
        ([[[A]], [[B]]], 2, [A, B]),
        ({"embeddings": [A, B]}, 2, [A, B]),
    ],
)
def test_at_j3_one_vector_a_text_needs_no_pooling(said: Any, count: int, rows: Any) -> None:
    assert [list(row) for row in vectors(said, count, None)] == rows


TOKENS = [[1.0, 0.0], [3.0, 4.0], [2.0, 8.0]]


@pytest.mark.parametrize(
    ("pooling", "row"), [("mean", [2.0, 4.0]), ("cls", [1.0, 0.0]), ("max", [3.0, 8.0]), ("last", [2.0, 8.0])]
)
@pytest.mark.parametrize("said", [TOKENS, [TOKENS], [[TOKENS]]])
def test_at_j3_vectors_of_tokens_become_one_as_declared(said: Any, pooling: Any, row: list[float]) -> None:
    assert [list(found) for found in vectors(said, 1, pooling)] == [row]


def test_at_j3_and_are_never_pooled_by_guess() -> None:
    with pytest.raises(AnswerError, match="pooling = 'mean'"):
        vectors([TOKENS, TOKENS], 2, None)


@pytest.mark.parametrize("said", [1.5, True, [], [[]], [[[[[TOKENS, TOKENS]]]]], {"vectors": [A]}, [A, B, A]])
def test_at_j3_anything_else_is_an_error(said: Any) -> None:
    with pytest.raises(AnswerError):
        vectors(said, 2, "mean")


def test_vectors_of_different_lengths_are_an_error() -> None:
    with pytest.raises(AnswerError, match="no common length"):
        packed([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_plain_endpoint_that_gives_one_vector_a_token_is_pooled_here(runtime: Driven, pooling: Any) -> None:
    with ScriptedEndpoint("plain", "feature-extraction", token_level=True) as endpoint:
        asked = served(endpoint.url, server="plain", pooling=pooling, normalize=True)
        found = runtime.call(asked, EmbeddingRequest(inputs=TEXTS)).array()
    tokens = [np.array([vector(piece, 32) for piece in ("[CLS]", *pieces(text), "[SEP]")]) for text in TEXTS]
    wanted = np.array([row.mean(axis=0) if pooling == "mean" else row[0] for row in tokens])
    assert np.allclose(found, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_dimensions_that_a_plain_endpoint_cannot_be_asked_for_are_a_notice() -> None:
    with ScriptedEndpoint("plain", "feature-extraction") as endpoint, Hub(config(endpoint)) as hub:
        response = hub.embedding(MODEL).embed(["a"], dimensions=8)
    assert (response.dimensions, [notice.setting for notice in response.notices]) == (32, ["dimensions"])


def test_a_large_answer_is_read_by_the_fast_parser(runtime: Driven) -> None:
    texts = tuple(f"文 {number}" for number in range(64))
    with ScriptedEndpoint("plain", "feature-extraction", dimensions=256) as endpoint:
        found = runtime.call(served(endpoint.url, server="plain"), EmbeddingRequest(inputs=texts)).array()
    assert np.allclose(found, [vector(text, 256) for text in texts], atol=1e-6)
