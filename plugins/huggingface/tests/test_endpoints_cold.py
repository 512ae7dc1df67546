"""AT-J1 on endpoints: one that was scaled to zero is waited for, whatever is asked of it, and one that is down is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from modelhub_huggingface import models
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_words import png, wav

from modelhub import Hub
from modelhub.plugin import (
    AudioPart,
    EmbeddingRequest,
    Headers,
    HttpResponse,
    ImageRequest,
    Message,
    ModelLoading,
    ProviderDown,
    RerankingRequest,
    SpeechRequest,
    TextRequest,
    TranscriptionRequest,
)
from modelhub.testing import Driven, FakeRuntime, FaultServer, Reply, sse

HOSTED = "https://x1.us-east-1.aws.endpoints.huggingface.cloud"
COLD = HttpResponse(503, Headers({"content-type": "text/html"}), b"<html><h1>503 Service Temporarily Unavailable</h1></html>")
TEXT = TextRequest(messages=(Message("user", "東京"),))
SAID = b'{"choices":[{"index":0,"message":{"content":"\xe9\x9b\xa8"},"finish_reason":"stop"}]}'
ASKED: dict[str, tuple[Any, bytes]] = {
    "text": (TEXT, SAID),
    "embedding": (EmbeddingRequest(inputs=("東京",)), b"[[0.5,0.5]]"),
    "reranking": (RerankingRequest(query="東京", documents=("雨",)), b'[{"index":0,"score":0.5}]'),
    "image": (ImageRequest(prompt="東京"), png()),
    "speech": (SpeechRequest(text="東京"), wav(0.1)),
    "transcription": (TranscriptionRequest(audio=AudioPart(data=wav(0.1))), '{"text":"東京"}'.encode()),
}


@pytest.fixture(params=["blocking", "asynchronous"])
def caller(request: pytest.FixtureRequest) -> Iterator[Driven]:
    """Both manners of calling, on a clock that the tests can read."""
    if request.param == "blocking":
        yield Driven(FakeRuntime())
    else:
        with asyncio.Runner() as loop:
            yield Driven(FakeRuntime(), loop)


def world(caller: Driven, *answers: HttpResponse) -> FakeRuntime:
    runtime = caller.runtime
    assert isinstance(runtime, FakeRuntime)
    runtime.answers = answers
    return runtime


@pytest.mark.parametrize("kind", ASKED)
def test_at_j1_every_kind_waits_for_an_endpoint_that_comes_up(caller: Driven, kind: str) -> None:
    request, body = ASKED[kind]
    runtime = world(caller, COLD, COLD, HttpResponse(200, body=body))
    model = getattr(models, kind)("org/tiny", HuggingFaceOptions(base_url=HOSTED, cold_start=90.0))
    response = caller.call(model, request)
    assert runtime.sleeps == [30.0, 60.0], "a third of cold_start, and then the rest: nobody told how long it takes"
    assert [notice.setting for notice in response.notices] == ["cold_start"]
    assert [type(attempt.error) for attempt in response.attempts] == [ModelLoading, ModelLoading, type(None)]


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        (HttpResponse(503), True),
        (HttpResponse(503, body=b'{"error":"503 Service Unavailable"}'), True),
        (HttpResponse(502, body=b'{"error":"no replicas available"}'), True),
        (HttpResponse(500, body=b'{"error":"Endpoint is initializing"}'), True),
        (HttpResponse(503, body=b'{"error":"Model m is currently loading","estimated_time":20.0}'), True),
        (HttpResponse(503, body=b'{"error":"unhealthy","error_type":"healthcheck"}'), False),
        (HttpResponse(502, body=b"<html><h1>Bad gateway</h1></html>"), False),
        (HttpResponse(500, body=b'{"error":"CUDA error"}'), False),
    ],
)
def test_one_that_comes_up_is_told_from_one_that_is_down(caller: Driven, answer: HttpResponse, waits: bool) -> None:
    runtime = world(caller, answer, HttpResponse(200, body=SAID))
    model = models.text("org/tiny", HuggingFaceOptions(base_url=HOSTED))
    if waits:
        assert caller.call(model, TEXT).text == "雨"
        assert len(runtime.sleeps) == 1
    else:
        with pytest.raises(ProviderDown):
            caller.call(model, TEXT)
        assert not runtime.sleeps


def test_at_j1_an_estimate_is_waited_for(caller: Driven) -> None:
    loading = HttpResponse(503, body=b'{"error":"is currently loading","estimated_time":20.0}')
    runtime = world(caller, loading, HttpResponse(200, body=SAID))
    caller.call(models.text("org/tiny", HuggingFaceOptions(base_url=HOSTED)), TEXT)
    assert runtime.sleeps == [20.0]


def test_at_j1_three_requests_are_all_an_endpoint_gets_also_through_a_hub_that_retries() -> None:
    options = {"base_url": "", "cold_start": 0.06}
    with FaultServer(Reply(503)) as server:
        options["base_url"] = server.url
        with Hub({"providers": {"huggingface": options}}) as hub, pytest.raises(ModelLoading) as loading:
            hub.text("huggingface:org/tiny").generate("東京")
        assert len(server.requests) == 3
    assert not loading.value.retryable
    assert loading.value.message.startswith("The endpoint is not up yet (status 503). It was waited for, for 0.")


def test_a_stream_waits_before_its_first_event(runtime: Driven) -> None:
    said = [{"choices": [{"index": 0, "delta": {"content": "雨"}, "finish_reason": "stop"}]}, "[DONE]"]
    streamed = Reply(headers={"content-type": "text/event-stream"}, chunks=sse(said))  # type: ignore[arg-type]
    with FaultServer(Reply(503), streamed) as server:
        model = models.text("org/tiny", HuggingFaceOptions(base_url=server.url, cold_start=0.06))
        events = runtime.stream(model, TEXT)
    assert events[-1].response.text == "雨"
    assert [notice.setting for notice in events[-1].response.notices] == ["cold_start"]
