"""Answers of chat completions: exactly mapped, and read tolerantly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from modelhub_openai.chat import Chat
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import host

from modelhub.plugin import AnswerError, HttpResponse, ModelhubError, RateLimited, TextResponse, ToolCall
from modelhub.testing import collect, sse

CHAT = Chat(host(OpenAIOptions()), "gpt-4o")
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"東京"}'}}
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 0},
}
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1763940000,
    "model": "gpt-4o-2024-08-06",
    "system_fingerprint": "fp_1",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "今日は晴れです。",
                "refusal": None,
                "annotations": [],
                "tool_calls": None,
            },
            "logprobs": {"content": [{"token": "今", "logprob": -0.1, "bytes": [1], "top_logprobs": []}]},
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
}


def parsed(said: object) -> TextResponse[Any]:
    return CHAT.parse(HttpResponse(200, body=json.dumps(said, ensure_ascii=False).encode()))


def finished(reason: Any, **message: Any) -> TextResponse[Any]:
    return parsed({"choices": [{"message": {"content": "はい", **message}, "finish_reason": reason}]})


REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "STOP": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_call",
    "error": "error",
    "abort": "error",
    "insufficient_system_resource": "error",
    "recitation": "other",
    "something_new": "other",
    "": "other",
    None: "other",
    7: "other",
}


@pytest.mark.parametrize("raw", REASONS)
@pytest.mark.parametrize("streamed", [False, True])
def test_finish_reasons_are_mapped_exactly_and_kept_raw(raw: Any, streamed: bool) -> None:
    """AT-E2: nothing unknown becomes ``stop``; what was cut is not complete."""
    if streamed:
        decoder = CHAT.decoder()
        events = [*decoder.feed(b"".join(sse([{"choices": [{"delta": {"content": "はい"}, "finish_reason": raw}]}, "[DONE]"])))]
        response = collect([*events, *decoder.close()])
    else:
        response = finished(raw)
    assert response.finish_reason == REASONS[raw]
    assert response.raw_finish_reason == (raw if isinstance(raw, str) and raw else None)
    assert response.complete is (response.finish_reason in ("stop", "tool_call"))


def test_a_stop_behind_tool_calls_is_a_tool_call() -> None:
    """OpenAI's own word where a tool was forced, and every word of some hosts."""
    response = finished("stop", content=None, tool_calls=[CALL])
    assert (response.finish_reason, response.raw_finish_reason) == ("tool_call", "stop")
    assert response.tool_calls == (ToolCall("call_1", "weather", '{"place":"東京"}'),)


def test_calls_that_were_cut_are_not_called() -> None:
    assert finished("length", content=None, tool_calls=[CALL]).finish_reason == "length"


def test_a_refusal_is_no_stop() -> None:
    response = finished("stop", content=None, refusal="I can't help with that.")
    assert (response.text, response.finish_reason, response.complete) == ("I can't help with that.", "content_filter", False)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each member of the answer is, but the text itself and what leads there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        here = (*path, name)
        if here not in (("choices",), ("choices", 0), ("choices", 0, "message"), ("choices", 0, "message", "content")):
            yield here
        yield from places(inner, here)


GONE = object()
STRANGE = (GONE, None, "", "7", 7, -1, 1.5, True, [], {}, [None], {"new": {"nested": 1}}, "日本")


@pytest.mark.parametrize("place", list(places(ANSWER)), ids=str)
def test_no_member_but_the_text_can_destroy_an_answer(place: tuple[Any, ...]) -> None:
    """AT-E3: each member in turn is missing, null, of another type, unknown."""
    for value in STRANGE:
        mutant = deepcopy(ANSWER)
        inner = mutant
        for name in place[:-1]:
            inner = inner[name]
        if value is GONE:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value
        response = parsed(mutant)
        assert response.text.startswith("今日は晴れです。"), f"{place} = {value!r}"


def test_unknown_members_are_kept_beside_the_answer() -> None:
    """AT-E3."""
    said = {**ANSWER, "x_new": {"a": 1}, "timings": {"ms": 3}}
    response = parsed(said)
    assert response.provider_metadata["x_new"] == {"a": 1}
    assert response.provider_metadata["system_fingerprint"] == "fp_1"
    assert response.raw == said


@pytest.mark.parametrize("said", [{}, {"choices": []}, {"choices": None}, {"choices": [{}]}, {"choices": ["x"]}, [], "no", 7])
def test_what_holds_no_answer_raises(said: Any) -> None:
    """AT-E3: and only that."""
    with pytest.raises(AnswerError):
        parsed(said)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"choices": [', b"\xff\xfe"])
def test_a_body_that_is_no_json_is_no_connection_error(body: bytes) -> None:
    """AT-E1."""
    with pytest.raises(AnswerError):
        CHAT.parse(HttpResponse(200, body=body))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, RateLimited),
        ({"error": "overloaded", "choices": []}, ModelhubError),
        ({"object": "error", "message": "Too many requests", "code": 429}, RateLimited),
    ],
)
def test_an_error_with_the_status_of_a_success_is_an_error(said: Any, kind: type[ModelhubError]) -> None:
    """AT-E1."""
    with pytest.raises(kind):
        parsed(said)


def test_an_answer_cut_while_the_model_thought_is_an_answer() -> None:
    response = parsed({"choices": [{"message": {"role": "assistant", "content": None}, "finish_reason": "length"}]})
    assert (response.text, response.finish_reason) == ("", "length")


def test_a_byte_that_is_no_utf8_becomes_a_replacement() -> None:
    response = CHAT.parse(HttpResponse(200, body=b'{"choices":[{"message":{"content":"a\xffb"}}]}'))
    assert response.text == "a\ufffdb"


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (USAGE, (100, 20, 64, 8)),
        ({"prompt_tokens": "100", "completion_tokens": 20.0}, (100, 20, None, None)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "prompt_cache_hit_tokens": 2}, (5, 3, 2, None)),
        ({"prompt_tokens": 5, "completion_tokens": 3, "cached_tokens": 1}, (5, 3, 1, None)),
        ({"input_tokens": 5, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}}, (5, 3, None, 1)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 3,
                "total_tokens": 18,
                "completion_tokens_details": {"reasoning_tokens": 10},
            },
            (5, 13, None, 10),
        ),
    ],
)
def test_usage_is_read_in_every_spelling(said: Any, counts: tuple[int | None, ...]) -> None:
    """Cached tokens are inside the input, reasoning inside the output, also where a host counts it beside."""
    usage = parsed({**ANSWER, "usage": said}).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == counts
