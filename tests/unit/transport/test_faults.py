"""What unsuccessful answers mean."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from modelhub.errors import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    KeyRefused,
    ModelhubError,
    ModelLoading,
    ProviderDown,
    ProviderError,
    RateLimited,
    UnknownModel,
)
from modelhub.http import Headers, HttpResponse
from modelhub.testing.server import retry_after_forms
from modelhub.transport.faults import fault
from modelhub.transport.patience import told_wait


def answer(status: int, body: Any = "", headers: dict[str, str] | None = None) -> HttpResponse:
    data = (
        body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
    )
    return HttpResponse(status, Headers(headers or {}), data)


def error(message: str, code: str | int | None = None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, **more}}


CASES: list[tuple[int, Any, type[ModelhubError], bool]] = [
    (400, error("temperature must be at most 2", "invalid_value"), BadRequest, False),
    (400, error("This model's maximum context length is 8192 tokens.", "context_length_exceeded"), ContextOverflow, False),
    (400, error("The response was filtered due to the prompt", "content_filter"), ContentFiltered, False),
    (400, error("API key not valid. Please pass a valid API key.", 400), KeyRefused, False),
    (400, [error("bad field", 400, status="INVALID_ARGUMENT")], BadRequest, False),
    (401, error("Incorrect API key", "invalid_api_key"), KeyRefused, False),
    (402, error("You have no credits left"), RateLimited, False),
    (403, error("no access to this model"), KeyRefused, False),
    (403, error("input was flagged by moderation"), ContentFiltered, False),
    (404, error("The model `x` does not exist", "model_not_found"), UnknownModel, False),
    (404, "<html><h1>Not Found</h1></html>", UnknownModel, False),
    (408, error("Operation timed out"), ProviderDown, True),
    (409, error("conflict"), ProviderDown, True),
    (413, {"message": "batch size 64 > maximum allowed batch size 32", "code": 413}, BadRequest, False),
    (413, error("prompt is too long: 200480 tokens > 200000 maximum"), ContextOverflow, False),
    (
        422,
        {
            "error": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
            "error_type": "validation",
        },
        ContextOverflow,
        False,
    ),
    (429, error("Rate limit reached", "rate_limit_exceeded"), RateLimited, True),
    (429, error("You exceeded your current quota", "insufficient_quota"), RateLimited, False),
    (429, {"error": "Model is overloaded", "error_type": "overloaded"}, RateLimited, True),
    (500, error("the server had an error"), ProviderDown, True),
    (500, error("the request exceeds the available context size"), ContextOverflow, False),
    (501, error("not supported"), BadRequest, False),
    (502, "<html>Bad Gateway</html>", ProviderDown, True),
    (503, {"error": "Model x is currently loading", "estimated_time": 20.0}, ModelLoading, True),
    (503, error("Loading model", 503), ModelLoading, True),
    (503, "", ProviderDown, True),
    (504, "", ProviderDown, True),
    (529, error("Overloaded", "overloaded_error"), ProviderDown, True),
    (307, "", BadRequest, False),
    (418, "", BadRequest, False),
    (0, error("Overloaded", type="overloaded_error"), ProviderDown, True),
    (200, error("slow down", "rate_limit_exceeded"), RateLimited, True),
    (0, {"message": "何か"}, ProviderError, False),
]


@pytest.mark.parametrize(("status", "body", "kind", "retryable"), CASES)
def test_a_status_and_its_words_become_one_class(status: int, body: Any, kind: type[ModelhubError], retryable: bool) -> None:
    found = fault(answer(status, body), provider="parley", model="small")
    assert type(found) is kind
    assert found.retryable is retryable
    assert pickle.loads(pickle.dumps(found)).retryable is retryable
    if isinstance(found, ProviderError):
        assert (found.status, found.provider, found.model) == (status or None, "parley", "small")


def test_a_fault_carries_what_support_will_ask_for() -> None:
    found = fault(answer(500, error("壊れた", "E7"), {"X-Request-Id": "r-1", "Retry-After": "3"}))
    assert isinstance(found, ProviderError)
    assert (found.message, found.code, found.request_id, found.retry_after) == ("壊れた", "E7", "r-1", 3.0)
    assert found.raw == error("壊れた", "E7")


def test_what_the_endpoint_knows_goes_before_what_is_found() -> None:
    found = fault(answer(429, error("slow"), {"retry-after": "3"}), "Daily quota", code="daily", wait=13.0, request_id="r-2")
    assert isinstance(found, RateLimited)
    assert (found.message, found.code, found.retry_after, found.request_id) == ("Daily quota", "daily", 13.0, "r-2")


@pytest.mark.parametrize("kind", [ContentFiltered, ContextOverflow, UnknownModel])
def test_an_endpoint_says_what_its_providers_own_words_mean(kind: type[ModelhubError]) -> None:
    """The core knows no vendor's words: without ``kind``, they are a bad request."""
    strange = answer(400, error("内容", "ParleyRule42"))
    assert type(fault(strange)) is BadRequest
    found = fault(strange, kind=kind, provider="parley")
    assert type(found) is kind
    assert found.message == "内容"


def test_an_unexplained_fault_shows_the_beginning_of_the_page_without_its_tags() -> None:
    assert fault(answer(502, "<html>\n<h1>Bad   Gateway</h1></html>")).message == "Status 502: Bad Gateway"
    assert fault(answer(503)).message == "Status 503, without an explanation."


def test_a_redirect_says_what_to_do() -> None:
    assert "not followed" in fault(answer(302, "")).message


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[]", b"null", b"[[", b"42", b'{"error": null}', b'{"error": {"message": 5}}', b"[" * 5000]
)
def test_no_body_is_too_strange(body: bytes) -> None:
    assert isinstance(fault(answer(500, body)), ProviderDown)


@pytest.mark.parametrize(
    ("words", "prompt", "window"),
    [
        (
            "This model's maximum context length is 8192 tokens. However, you requested 10000 tokens (9000 in the messages)",
            9000,
            8192,
        ),
        ("maximum context length is 4097 tokens, however your messages resulted in 5,012 tokens", 5012, 4097),
        ("prompt is too long: 200480 tokens > 200000 maximum", 200480, 200000),
        ("Requested tokens (2065) exceed context window of 1800", 2065, 1800),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1200000, 1048576),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 20 `max_new_tokens`", 5000, 4096),
        ("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 5000, 4096),
        ("the context window is full", None, None),
    ],
)
def test_an_overflow_tells_its_numbers(words: str, prompt: int | None, window: int | None) -> None:
    found = fault(answer(400, error(words)))
    assert isinstance(found, ContextOverflow)
    assert (found.prompt_tokens, found.context_window) == (prompt, window)


def test_an_overflow_tells_the_room_for_the_answer_from_the_prompt() -> None:
    words = (
        "This model's maximum context length is 512 tokens. "
        "However, you requested 3020 tokens (3010 in the messages, 10 in the completion)."
    )
    found = fault(answer(400, error(words)))
    assert isinstance(found, ContextOverflow)
    assert (found.prompt_tokens, found.context_window, found.max_output_tokens) == (3010, 512, 10)


def test_a_limit_on_the_answer_alone_is_no_overflow() -> None:
    words = "max_tokens is too large: 5000. This model supports at most 4096 completion tokens."
    assert type(fault(answer(400, error(words)))) is BadRequest


@pytest.mark.parametrize("form", retry_after_forms())
def test_every_form_of_retry_after_is_understood(form: str) -> None:
    headers, seconds = retry_after_forms()[form]
    assert told_wait(Headers(headers)) == pytest.approx(seconds, abs=1.1) if seconds else told_wait(Headers(headers)) == seconds


@pytest.mark.parametrize("told", ["nan", "inf", "-inf", "Mon, 99 Foo", "", "1e999", "明日"])
def test_a_wait_that_means_nothing_is_none(told: str) -> None:
    assert told_wait(Headers({"retry-after": told, "retry-after-ms": told})) is None


def test_a_date_counts_from_the_servers_own_clock() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert told_wait(Headers(headers)) == 30.0


def test_a_used_up_rate_limit_tells_when_it_fills_again() -> None:
    assert told_wait(Headers({"ratelimit": '"api";r=0;t=55'})) == 55.0
    assert told_wait(Headers({"ratelimit": '"api";r=10;t=55'})) is None


def test_a_loading_model_says_how_long_it_takes() -> None:
    found = fault(answer(503, {"error": "currently loading", "estimated_time": 20}))
    assert isinstance(found, ModelLoading)
    assert found.retry_after == 20.0


def test_the_address_of_a_page_on_billing_does_not_make_a_passing_limit_final() -> None:
    words = "Rate limit reached. Please try again in 20s. Upgrade today at https://provider.example/settings/billing"
    assert fault(HttpResponse(429, body=words.encode())).retryable
    assert not fault(HttpResponse(429, body=b"Check your plan and billing details.")).retryable
