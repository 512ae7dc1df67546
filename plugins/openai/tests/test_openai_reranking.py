"""The rerank endpoint: one request, and the answers of the hosts that have it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.reranking import Reranking, model
from modelhub_openai.site import host

from modelhub.plugin import AnswerError, ContextOverflow, Headers, HttpResponse, RerankingRequest
from modelhub.testing import Driven, FakeRuntime, Recording, RerankingEndpointConformance, drive

NO_KEY = OpenAIOptions(api_key_env=None)
REQUEST = RerankingRequest(query="鍵はどこ？", documents=("The museum.", "鍵は机の上。", "Bread."))

LLAMA_SERVER = {
    "model": "bge-reranker",
    "object": "list",
    "usage": {"prompt_tokens": 74, "total_tokens": 74},
    "results": [
        {"index": 0, "relevance_score": -4.5},
        {"index": 1, "relevance_score": 7.25},
        {"index": 2, "relevance_score": -11.0},
    ],
}
VLLM = {
    "id": "rerank-1",
    "model": "bge-reranker",
    "usage": {"total_tokens": 56},
    "results": [
        {"index": 1, "document": {"text": "鍵は机の上。"}, "relevance_score": 0.99},
        {"index": 0, "document": {"text": "The museum."}, "relevance_score": 0.01},
        {"index": 2, "document": {"text": "Bread."}, "relevance_score": 0.001},
    ],
}
UNDER_META = {
    "id": "1",
    "results": VLLM["results"],
    "meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 31, "output_tokens": 0}},
}
BARE = [{"index": 1, "score": 0.99}, {"index": 0, "score": 0.01}, {"index": 2, "score": 0.001}]


class TestReranking(RerankingEndpointConformance):
    model_id = "openai:bge-reranker"
    recordings = (
        Recording(
            name="llama-server",
            request={"model": "bge-reranker"},
            response=json.dumps(LLAMA_SERVER).encode(),
            answer={"ranking": [{"index": 1, "score": 7.25}, {"index": 0}, {"index": 2}], "usage": {"input_tokens": 74}},
        ),
        Recording(name="vllm", response=json.dumps(VLLM).encode(), answer={"usage": {"input_tokens": 56}}),
        Recording(name="meta", response=json.dumps(UNDER_META).encode(), answer={"usage": {"input_tokens": 31}}),
        Recording(
            name="bare", response=json.dumps(BARE).encode(), answer={"ranking": [{"index": 1}, {"index": 0}, {"index": 2}]}
        ),
    )

    def endpoint(self) -> Reranking:
        return Reranking(host(OpenAIOptions(api_key=self.secret)), "bge-reranker")


def test_query_documents_and_top_n_are_sent() -> None:
    request = RerankingRequest(query="鍵", documents=("a", "b"), top_n=1, extra={"openai": {"return_documents": False}})
    sent = Reranking(host(NO_KEY), "m").build(request, stream=False)
    assert sent.url == "https://api.openai.com/v1/rerank"
    assert json.loads(sent.body or b"") == {
        "model": "m", "query": "鍵", "documents": ["a", "b"], "top_n": 1, "return_documents": False,
    }  # fmt: skip


def test_a_host_may_have_other_words() -> None:
    site = host(OpenAIOptions(api_key_env=None, quirks=Quirks(rename={"top_n": "top_k"}, omit=("model",))))
    sent = Reranking(site, "m").build(RerankingRequest(query="q", documents=("a",), top_n=1), stream=False)
    assert json.loads(sent.body or b"") == {"query": "q", "documents": ["a"], "top_k": 1}


def ranked(said: Any, request: RerankingRequest = REQUEST) -> Any:
    runtime = FakeRuntime([HttpResponse(200, Headers(), json.dumps(said).encode())])
    return drive(model("m", NO_KEY).call(request, runtime))


@pytest.mark.parametrize("said", [LLAMA_SERVER, VLLM, UNDER_META, BARE])
def test_the_best_comes_first_in_every_shape(said: Any) -> None:
    assert [place.index for place in ranked(said).ranking] == [1, 0, 2]


@pytest.mark.parametrize(
    "results",
    [
        [{"index": 0, "score": 1.0}, {"index": 0, "score": 0.5}, {"index": 1, "score": 0.5}],
        [{"index": 0, "score": 1.0}, {"index": 1, "score": 0.5}, {"index": 3, "score": 0.5}],
        [{"index": 0, "score": 1.0}, {"index": 1, "score": 0.5}],
        [{"index": "0", "score": 1.0}, {"index": 1, "score": 0.5}, {"index": 2, "score": 0.5}],
        [{"index": 0, "score": float("nan")}, {"index": 1, "score": 0.5}, {"index": 2, "score": 0.5}],
        [{"index": 0}, {"index": 1}, {"index": 2}],
        None,
        {},
    ],
)
def test_a_ranking_that_is_none_is_an_error(results: Any, runtime: Driven) -> None:
    fake = Driven(FakeRuntime([HttpResponse(200, Headers(), json.dumps({"results": results}).encode())]), runtime.loop)
    with pytest.raises(AnswerError):
        fake.call(model("m", NO_KEY), REQUEST)


def test_as_many_as_were_asked_for_suffice() -> None:
    request = RerankingRequest(query="q", documents=("a", "b", "c"), top_n=2)
    assert len(ranked({"results": BARE[:2]}, request).ranking) == 2


def test_an_error_in_the_place_of_a_ranking_is_that_error() -> None:
    with pytest.raises(ContextOverflow):
        ranked({"error": {"message": "input is too long", "code": 400}})
