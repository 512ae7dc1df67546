"""Order on an endpoint: cross-encoders, similarity, pairs, and labels by how well they suit a text."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_hub import MODEL, config
from modelhub_huggingface.endpoints.reranking import model
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_endpoint import ScriptedEndpoint
from scripted_words import pieces

from modelhub import Hub
from modelhub.plugin import AnswerError, BadRequest, ConfigError, RerankingRequest, Unsupported
from modelhub.testing import Driven, FaultServer, Reply

DOCUMENTS = ("Bread needs flour.", "東京の天気は雨です。", "天気の話。")
REQUEST = RerankingRequest(query="東京の天気", documents=DOCUMENTS)


def served(url: str, **options: Any) -> Any:
    return model("org/tiny", HuggingFaceOptions(base_url=url, cold_start=0.0, **options))


def test_tei_gives_places_and_the_best_comes_first(runtime: Driven) -> None:
    with ScriptedEndpoint("tei", "text-ranking") as endpoint:
        response = runtime.call(served(endpoint.url), REQUEST)
        (asked,) = endpoint.asked("/rerank")
    assert asked == {"query": "東京の天気", "texts": list(DOCUMENTS), "truncate": False}
    assert [ranked.index for ranked in response.ranking] == [1, 2, 0]
    assert response.usage.input_tokens == sum(len(pieces(text)) for text in (REQUEST.query, *DOCUMENTS))


def test_the_best_are_kept_where_fewer_are_wanted() -> None:
    with ScriptedEndpoint("tei", "text-ranking") as endpoint, Hub(config(endpoint)) as hub:
        response = hub.reranking(MODEL).rank("東京の天気", DOCUMENTS, top_n=2)
    assert [ranked.index for ranked in response.ranking] == [1, 2]
    assert not response.notices


def test_more_documents_than_one_request_takes_are_several_requests(runtime: Driven) -> None:
    documents = tuple(f"東京 {'の天気' * (number == 50)} {number}" for number in range(80))
    with ScriptedEndpoint("tei", "text-ranking", batch=10) as endpoint:
        asked = served(endpoint.url)
        first = runtime.call(asked, RerankingRequest(query="東京の天気", documents=documents, top_n=3))
        sizes = [len(body["texts"]) for body in endpoint.asked("/rerank")]
        again = runtime.call(asked, RerankingRequest(query="東京の天気", documents=documents))
        later = [len(body["texts"]) for body in endpoint.asked("/rerank")][len(sizes) :]
    assert (first.ranking[0].index, len(first.ranking)) == (50, 3)
    assert max(sizes) == 32
    assert later == [10] * 8, "what the refusal told holds for later calls"
    assert sorted(ranked.index for ranked in again.ranking) == list(range(80))
    assert (again.usage.input_tokens or 0) > 80


def test_a_refusal_that_is_about_something_else_is_raised(runtime: Driven) -> None:
    refusal = Reply(413, json={"error": "`inputs` must have less than 4 tokens. Given: 9", "error_type": "Validation"})
    with FaultServer(refusal) as server, pytest.raises(Exception, match="less than 4 tokens"):
        runtime.call(served(server.url), REQUEST)
    with FaultServer(Reply(400, json={"error": "no", "error_type": "Empty"})) as server, pytest.raises(BadRequest):
        runtime.call(served(server.url), REQUEST)


def test_a_model_of_another_kind_is_named(runtime: Driven) -> None:
    with ScriptedEndpoint("tei", "feature-extraction") as endpoint, pytest.raises(Unsupported, match="not a re-ranker model"):
        runtime.call(served(endpoint.url), REQUEST)


@pytest.mark.parametrize(
    "body",
    [
        [{"index": 0, "score": 0.5}],
        [{"index": 0, "score": 0.5}, {"index": 0, "score": 0.5}, {"index": 1, "score": 0.5}],
        [{"index": 0, "score": 0.5}, {"index": 1, "score": 0.5}, {"index": 3, "score": 0.5}],
        [{"index": 0, "score": float("nan")}, {"index": 1, "score": 0.5}, {"index": 2, "score": 0.5}],
        [{"score": 0.5}],
        {},
        "x",
    ],
)
def test_a_ranking_of_something_else_than_was_given_raises(runtime: Driven, body: Any) -> None:
    with FaultServer(Reply(json=body)) as server, pytest.raises(AnswerError):
        runtime.call(served(server.url), REQUEST)


@pytest.mark.parametrize(
    ("task", "inputs"),
    [
        (None, {"source_sentence": "東京の天気", "sentences": list(DOCUMENTS)}),
        ("text-ranking", {"query": "東京の天気", "texts": list(DOCUMENTS)}),
        ("text-classification", [{"text": "東京の天気", "text_pair": document} for document in DOCUMENTS]),
    ],
)
def test_a_plain_endpoint_puts_in_order_what_its_task_compares(runtime: Driven, task: Any, inputs: Any) -> None:
    with ScriptedEndpoint("plain", task or "sentence-similarity") as endpoint:
        response = runtime.call(served(endpoint.url, server="plain", task=task), REQUEST)
        (asked,) = endpoint.asked("/")
    assert asked["inputs"] == inputs
    assert [ranked.index for ranked in response.ranking] == [1, 2, 0]


def test_labels_are_put_in_order_by_how_well_they_suit_a_text() -> None:
    with ScriptedEndpoint("plain", "zero-shot-classification") as endpoint:
        with Hub(config(endpoint, task="zero-shot-classification")) as hub:
            ranking = hub.reranking(MODEL).rank("今日は経済の話をします。", ["天気", "経済", "料理"]).ranking
        (asked,) = endpoint.asked("/")
    assert asked == {"inputs": "今日は経済の話をします。", "parameters": {"candidate_labels": ["天気", "経済", "料理"]}}
    assert [ranked.index for ranked in ranking] == [1, 0, 2]


@pytest.mark.parametrize(
    ("task", "body"),
    [
        ("sentence-similarity", [0.1, 0.9, 0.5]),
        ("sentence-similarity", {"similarities": [0.1, 0.9, 0.5]}),
        ("text-ranking", [0.1, 0.9, 0.5]),
        (
            "text-ranking",
            {"scores": [{"corpus_id": 1, "score": 9.0}, {"corpus_id": 2, "score": 5}, {"corpus_id": 0, "score": -1}]},
        ),
        ("text-classification", [{"label": "LABEL_0", "score": score} for score in (0.1, 0.9, 0.5)]),
        (
            "text-classification",
            [[{"label": "LABEL_1", "score": score}, {"label": "LABEL_0", "score": 1 - score}] for score in (0.1, 0.9, 0.5)],
        ),
        (
            "text-classification",
            [[{"label": "irrelevant", "score": 1 - score}, {"label": "Relevant", "score": score}] for score in (0.1, 0.9, 0.5)],
        ),
        (
            "zero-shot-classification",
            [{"label": label, "score": score} for label, score in zip(DOCUMENTS, (0.1, 0.9, 0.5), strict=True)],
        ),
    ],
)
def test_at_e3_an_order_in_another_shape_is_read(runtime: Driven, task: str, body: Any) -> None:
    with FaultServer(Reply(json=body)) as server:
        response = runtime.call(served(server.url, server="plain", task=task), REQUEST)
    assert [ranked.index for ranked in response.ranking] == [1, 2, 0]


@pytest.mark.parametrize("task", ["sentence-similarity", "text-ranking", "text-classification", "zero-shot-classification"])
@pytest.mark.parametrize("body", [{}, [], [0.5], "x", [{"label": "a"}]])
def test_at_e3_what_is_no_order_raises(runtime: Driven, task: str, body: Any) -> None:
    with FaultServer(Reply(json=body)) as server, pytest.raises(AnswerError):
        runtime.call(served(server.url, server="plain", task=task), REQUEST)


def test_an_openai_like_server_ranks_too(runtime: Driven) -> None:
    with ScriptedEndpoint("openai") as endpoint:
        response = runtime.call(served(endpoint.url, server="openai"), REQUEST)
    assert [ranked.index for ranked in response.ranking] == [1, 2, 0]


def test_what_puts_nothing_in_order_is_named() -> None:
    with pytest.raises(Unsupported, match="has no reranking"):
        served("http://127.0.0.1:9", server="tgi")
    with pytest.raises(ConfigError, match="order comes of one of sentence-similarity"):
        served("http://127.0.0.1:9", task="summarization")
