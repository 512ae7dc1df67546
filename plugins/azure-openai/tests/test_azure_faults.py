"""What a resource refuses, and what to do about it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from modelhub_azure_openai.models import embedding, image, text
from modelhub_azure_openai.options import AzureOptions

import modelhub
from modelhub.errors import (
    AnswerError,
    BadRequest,
    ContextOverflow,
    KeyRefused,
    ModelhubError,
    ProviderDown,
    ProviderError,
    RateLimited,
    TimedOut,
    UnknownModel,
)
from modelhub.plugin import (
    EmbeddingRequest,
    Environment,
    Headers,
    HttpResponse,
    ImageRequest,
    Message,
    TextRequest,
    Timeouts,
)
from modelhub.testing import FakeRuntime, drive
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply

KEY = Environment("AZURE_OPENAI_API_KEY")
QUESTION = TextRequest(messages=(Message("user", "？"),))
OWN = "https://my-res.openai.azure.com"


@pytest.fixture(autouse=True)
def _a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "a-key-of-the-resource")
    for name in ("AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


def options(**changes: Any) -> AzureOptions:
    return AzureOptions(**{"resource": "my-res", "api_key": KEY, **changes})


def raised(
    status: int, body: object = "", answered: dict[str, str] | None = None, model: str = "prod", **changes: Any
) -> ModelhubError:
    data = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
    runtime = FakeRuntime(lambda _: HttpResponse(status, Headers(answered or {}), data))
    with pytest.raises(ModelhubError) as caught:
        drive(text(model, options(**changes)).call(QUESTION, runtime))
    return caught.value


def error(code: str, message: str = "No.", **fields: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **fields}}


INVALID = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key."
OVERFLOW = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
ROWS: list[tuple[int, Any, dict[str, Any], type[ModelhubError], str]] = [
    (401, error("401", INVALID), {}, KeyRefused, f"comes from env:AZURE_OPENAI_API_KEY; it has to be one of {OWN}"),
    (401, error("PermissionDenied", "The principal lacks it."), {}, KeyRefused, "role 'Cognitive Services OpenAI User'"),
    (403, error("AuthenticationTypeDisabled", "Key based authentication is disabled."), {}, KeyRefused, "write entra = true"),
    (401, error("401", "Access token is missing, audience is incorrect."), {}, KeyRefused, "Check scope in [providers.azure"),
    (400, error("Tenant", "Token tenant does not match resource tenant."), {}, BadRequest, "Token tenant"),
    (404, error("DeploymentNotFound", "It does not exist."), {}, UnknownModel, f"{OWN} has no deployment 'prod'"),
    (
        404,
        error("DeploymentNotFound", "It does not exist."),
        {"deployments": {"東京": "prod"}},
        UnknownModel,
        "'東京' is made of it: write model = \"azure-openai:東京\"",
    ),
    (
        404,
        error("DeploymentNotFound", "It does not exist."),
        {"deployments": {"prod-4o": "gpt-4o", "prod": "gpt-4o"}},
        UnknownModel,
        "Did you mean 'prod-4o'?",
    ),
    (
        404,
        error("DeploymentNotFound", "It does not exist."),
        {"resource": None, "endpoint": f"{OWN}/openai/deployments/real"},
        UnknownModel,
        "The endpoint names 'real': write model = \"azure-openai:real\"",
    ),
    (
        404,
        error("404", "Resource not found"),
        {"api_version": "2024-10-21"},
        UnknownModel,
        'api_version = "2024-10-21" in [prov',
    ),
    (404, error("404", "Resource not found"), {}, UnknownModel, f"Check endpoint ({OWN}) and api_version in [providers.azure-"),
    (404, "", {}, UnknownModel, "Check endpoint"),
    (
        400,
        error("BadRequest", "API version not supported"),
        {},
        BadRequest,
        'Write api_version = "v1" in [providers.azure-openai]',
    ),
    (
        400,
        error("OperationNotSupported", "The chatCompletion operation."),
        {},
        BadRequest,
        "'prod' is of another kind of model",
    ),
    (400, error("context_length_exceeded", OVERFLOW), {}, ContextOverflow, "9001"),
    (408, error("Timeout", "The operation was timeout."), {}, ProviderDown, "timeout"),
    (431, "", {}, BadRequest, "431"),
    (500, "<html><h1>500 - The request timed out</h1></html>", {}, ProviderDown, "timed out"),
    (503, error("503", "Service unavailable"), {}, ProviderDown, "unavailable"),
    (429, error("insufficient_quota", "You exceeded your current quota"), {}, RateLimited, "quota"),
]


@pytest.mark.parametrize(("status", "body", "changes", "kind", "words"), ROWS)
def test_an_error_is_typed_and_says_what_to_do(
    status: int, body: Any, changes: dict[str, Any], kind: type[ModelhubError], words: str
) -> None:
    """AT-E1, AT-I1: 404s print the line of the configuration."""
    caught = raised(status, body, **changes)
    assert type(caught) is kind, caught
    assert words in caught.message
    assert "a-key-of-the-resource" not in str(caught)


@pytest.mark.parametrize("header", ["api-key", "Authorization", "Ocp-Apim-Subscription-Key"])
def test_a_key_that_stands_among_the_headers_is_shown_nowhere(header: str) -> None:
    """AT-H1: neither by us nor in the words of a server that repeats it."""
    headers = {header: "a-key-among-headers"}
    given = {"api_key": None} if header != "Ocp-Apim-Subscription-Key" else {}
    caught = raised(401, error("401", "Wrong: a-key-among-headers"), headers=headers, **given)
    assert "a-key-among" not in f"{caught!r} {vars(caught)} {text('prod', options(headers=headers, **given))!r}"


def test_a_wrong_table_is_called_by_its_own_name() -> None:
    assert "[providers.tokyo]" in raised(404, error("404", "Resource not found"), provider="tokyo").message
    assert raised(404, error("DeploymentNotFound"), provider="tokyo").provider == "tokyo"  # type: ignore[attr-defined]


THROTTLED = (
    "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit "
    "of your current OpenAI S0 pricing tier. Please retry after {} seconds."
)
WAITS: list[tuple[dict[str, str], str, float | None]] = [
    ({}, THROTTLED.format(26), 26.0),
    ({}, "Try again in 90 milliseconds.", 0.09),
    ({}, "Please retry after 2 minutes", 120.0),
    ({"retry-after-ms": "1250", "retry-after": "2"}, THROTTLED.format(26), 1.25),
    ({"retry-after": "7"}, THROTTLED.format(26), 7.0),
    ({"retry-after": "0"}, THROTTLED.format(26), 26.0),
    ({"retry-after": "-1"}, THROTTLED.format(26), 26.0),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "33"}, "Slow down", 33.0),
    ({"x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "-1"}, "Slow down", None),
    ({"x-ratelimit-remaining-tokens": "900", "x-ratelimit-reset-tokens": "33"}, "Slow down", None),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms"}, "Slow down", None),
    ({}, "Slow down", None),
]


@pytest.mark.parametrize(("headers", "words", "seconds"), WAITS)
def test_how_long_to_wait_is_read_from_headers_and_words(headers: dict[str, str], words: str, seconds: float | None) -> None:
    """AT-D2"""
    caught = raised(429, error("429", words), headers)
    assert isinstance(caught, RateLimited)
    assert caught.retry_after == seconds
    assert caught.retryable


def test_who_asks_the_support_has_the_id_and_the_region() -> None:
    headers = {"apim-request-id": "4f5c", "x-request-id": "other", "x-ms-region": "Japan East"}
    caught = raised(500, error("500"), headers)
    assert isinstance(caught, ProviderError)
    assert caught.request_id == "4f5c"
    assert caught.__notes__ == ["Answered in the region Japan East."]


def test_what_a_deployment_does_not_take_is_left_out_from_then_on(runtime: Driven) -> None:
    """The name of a deployment does not tell its model: a reasoning model refuses ``max_tokens`` once."""
    from modelhub.plugin import TextSettings

    refusal = error(
        "unsupported_parameter", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", param="max_tokens"
    )
    answer = {"choices": [{"index": 0, "message": {"content": "はい"}, "finish_reason": "stop"}]}
    fake = FakeRuntime(
        [HttpResponse(400, body=json.dumps(refusal).encode()), *[HttpResponse(200, body=json.dumps(answer).encode())] * 2]
    )
    model, asked = text("thinker", options()), TextRequest(messages=QUESTION.messages, knobs=TextSettings(max_output_tokens=9))
    caller = Driven(fake, runtime.loop)
    assert caller.call(model, asked).text == caller.call(model, asked).text == "はい"
    limits = [{"max_tokens", "max_completion_tokens"} & json.loads(request.body or b"").keys() for request in fake.requests]
    assert limits == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


def test_a_deployment_that_is_told_to_be_a_reasoning_model_is_asked_as_one() -> None:
    from modelhub.plugin import TextSettings

    known = text("thinker", options(deployments={"thinker": "o3-mini"}))
    fake = FakeRuntime([HttpResponse(200, body=b'{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}')])
    drive(known.call(TextRequest(messages=QUESTION.messages, knobs=TextSettings(max_output_tokens=9)), fake))
    assert json.loads(fake.requests[0].body or b"")["max_completion_tokens"] == 9


def job(server: FaultServer, *states: Reply) -> str:
    """A resource that answers with a job, the older way of images."""
    place = f"{server.url}/openai/operations/images/job-1?api-version=2023-06-01-preview"
    submitted = Reply(202, headers={"operation-location": place}, json={"id": "job-1", "status": "notRunning"})
    server.on("/openai/deployments/painter/images/generations?api-version=2025-04-01-preview", submitted)
    server.on("/openai/operations/images/job-1?api-version=2023-06-01-preview", *states)
    return place


PICTURE = {"created": 1, "data": [{"url": "https://pictures.example/1.png"}]}


def asked(server: FaultServer, runtime: Driven, **fields: Any) -> Any:
    model = image("painter", AzureOptions(endpoint=server.url, api_key=KEY, deployments={"painter": "dall-e-3"}))
    return runtime.call(model, ImageRequest(prompt="灯台", **fields))


def test_a_job_is_asked_after_until_it_is_done_and_submitted_once(runtime: Driven) -> None:
    """AT-I4: 202 and operation-location; Retry-After is honoured."""
    running = Reply(200, headers={"retry-after": "1"}, json={"id": "job-1", "status": "running"})
    with FaultServer() as server:
        job(server, running, Reply(json={"id": "job-1", "status": "succeeded", "result": PICTURE}))
        response = asked(server, runtime)
        methods = [request.method for request in server.requests]
        waited = server.requests[2].came - server.requests[1].came
        assert all(request.headers["api-key"] == "a-key-of-the-resource" for request in server.requests)
    assert [found.url for found in response.images] == ["https://pictures.example/1.png"]
    assert methods == ["POST", "GET", "GET"]
    assert waited >= 1.0


@pytest.mark.parametrize("state", ["failed", "cancelled", "deleted", "expired"])
def test_a_job_that_ends_otherwise_is_an_error_and_not_submitted_again(runtime: Driven, state: str) -> None:
    """AT-I4"""
    with FaultServer() as server:
        job(server, Reply(json={"id": "job-1", "status": state}))
        with pytest.raises(ProviderError, match=state) as caught:
            asked(server, runtime)
        assert [request.method for request in server.requests] == ["POST", "GET"]
    assert not caught.value.retryable


def test_a_job_whose_content_was_refused_is_filtered_content(runtime: Driven) -> None:
    """AT-I3, AT-I4"""
    with FaultServer() as server:
        job(server, Reply(json={"id": "job-1", "status": "failed", **error("contentFilter", "Your task failed.")}))
        with pytest.raises(modelhub.ContentFiltered):
            asked(server, runtime)


def test_a_job_has_the_calls_own_deadline(runtime: Driven) -> None:
    """AT-I4: total deadline; nothing is submitted again."""
    with FaultServer() as server:
        job(server, Reply(json={"id": "job-1", "status": "running"}))
        with pytest.raises(TimedOut) as caught:
            asked(server, runtime, timeouts=Timeouts(total=0.5))
        assert [request.method for request in server.requests].count("POST") == 1
    assert caught.value.phase == "total"


def test_a_job_elsewhere_is_not_asked_after(runtime: Driven) -> None:
    """AT-H5, AT-I4: the key stays with its resource."""
    with FaultServer() as server, FaultServer(Reply(json=PICTURE)) as elsewhere:
        place = Reply(202, headers={"operation-location": f"{elsewhere.url}/openai/operations/images/job-1"})
        server.on("/openai/deployments/painter/images/generations?api-version=2025-04-01-preview", place)
        with pytest.raises(AnswerError, match="leads away"):
            asked(server, runtime)
        assert not elsewhere.requests


def test_a_wrong_kind_of_deployment_is_told_for_embeddings_too(runtime: Driven) -> None:
    body = error("OperationNotSupported", "The embeddings operation does not work with the specified model, gpt-4o.")
    fake = FakeRuntime(lambda _: HttpResponse(400, body=json.dumps(body).encode()))
    with pytest.raises(BadRequest, match="another kind of model"):
        Driven(fake, runtime.loop).call(embedding("prod", options()), EmbeddingRequest(inputs=("あ",)))


def test_a_call_that_is_cancelled_asks_after_its_job_no_more() -> None:
    """AT-I4: cancels cleanly, never submits again."""

    async def ask(server: FaultServer) -> None:
        options = {"endpoint": server.url, "deployments": {"painter": "dall-e-3"}}
        async with modelhub.AsyncHub({"providers": {"azure-openai": options}}) as hub:
            task = asyncio.create_task(hub.image("azure-openai:painter").generate("灯台"))
            await asyncio.to_thread(server.wait_for_requests, 2, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            seen = len(server.requests)
            await asyncio.sleep(1.5)
            assert [request.method for request in server.requests[:2]] == ["POST", "GET"]
            assert len(server.requests) == seen

    with FaultServer() as server:
        job(server, Reply(200, headers={"retry-after": "1"}, json={"id": "job-1", "status": "running"}))
        asyncio.run(ask(server))
