"""Streams of chat completions: a stream never lies, its usage is always told, and nothing in it is held back."""

from __future__ import annotations

import dataclasses
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelhub_openai.chat import Chat
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import host
from modelhub_openai.text import model

from modelhub.plugin import (
    AnswerError,
    Finished,
    Message,
    ModelhubError,
    Plain,
    ProviderDown,
    RateLimited,
    ReasoningDelta,
    StreamBroken,
    TextDelta,
    TextRequest,
    TimedOut,
    Timeouts,
    ToolCall,
)
from modelhub.testing import FakeRuntime, FaultServer, Reply, collect, sse
from modelhub.testing.driven import Driven, driven
from modelhub.transport.drive import iterate

CHAT = Chat(host(OpenAIOptions()), "gpt-4o")
REQUEST = TextRequest(messages=(Message("user", "こんにちは、元気ですか"),))
SSE = {"content-type": "text/event-stream"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def chunk(content: str | None = None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    delta = {**({} if content is None else {"content": content}), **delta}
    return {"id": "c1", "model": "gpt-4o-x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def decoded(*pieces: bytes, chat: Chat = CHAT) -> list[Any]:
    decoder = chat.decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close()]


def answered(*events: Any) -> Any:
    return collect(decoded(*sse(events)))


def served(server: FaultServer, **options: Any) -> Any:
    return model("gpt-4o", OpenAIOptions(base_url=f"{server.url}/v1", api_key=Plain("k"), **options))


TOOL = {"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "weather", "arguments": '{"pl'}}]}
BEGUN = [chunk("今日は"), chunk("晴れ"), chunk(**TOOL)]
BROKEN: dict[str, tuple[list[bytes], str | None]] = {
    "b: the end of the body, without a mark": (sse(BEGUN), None),
    "c: event: error": (
        [*sse(BEGUN), *sse([("error", {"error": {"message": "overloaded", "code": "overloaded"}})])],
        "overloaded",
    ),
    "c: event: error in words": ([*sse(BEGUN), *sse([("error", "upstream died")])], None),
    "d: an error among the chunks": ([*sse(BEGUN), *sse([{"error": {"message": "rate limit", "code": 429}}])], "429"),
    "d: an error object": ([*sse(BEGUN), *sse([{"object": "error", "message": "no memory", "code": 500}])], "500"),
    "d: an error in words": ([*sse(BEGUN), *sse([{"error": "overloaded", "error_type": "overloaded"}])], "overloaded"),
    "e: invalid JSON": ([*sse(BEGUN), b'data: {"choices": [{"del\n\n'], None),
    "e: JSON that is no object": ([*sse(BEGUN), b"data: 7\n\n"], None),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_stream_that_breaks_raises_with_all_that_had_come(case: str, runtime: Driven) -> None:
    """AT-C2/3 b to e: text, tool calls and an estimate of the usage are in the error, and the provider's word for it."""
    pieces, code = BROKEN[case]
    with FaultServer(Reply(headers=SSE, chunks=pieces)) as server, pytest.raises(StreamBroken) as broken:
        runtime.stream(served(server), REQUEST)
    partial: Any = broken.value.partial
    assert partial.text == "今日は晴れ"
    assert partial.tool_calls == (ToolCall("call_1", "weather", '{"pl'),)
    assert partial.usage.output_tokens > 0
    assert partial.usage.source == "estimated"
    assert not partial.complete
    assert broken.value.code == code


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_a_connection_that_breaks_breaks_the_stream(fault: Any, runtime: Driven) -> None:
    """AT-C2/3 a, f: a reset, and a chunked body that is cut."""
    with FaultServer(Reply(headers=SSE, chunks=sse(BEGUN), fault=fault)) as server, pytest.raises(StreamBroken) as broken:
        runtime.stream(served(server), REQUEST)
    partial: Any = broken.value.partial
    assert partial.text == "今日は"
    assert partial.usage.source == "estimated"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}, RateLimited),
        ({"error": {"message": "The server had an error", "type": "server_error", "code": None}}, ProviderDown),
        ({"error": {"message": "Provider returned error", "code": 502}}, ProviderDown),
    ],
)
def test_an_error_before_the_first_piece_is_what_it_means(said: Any, kind: type[ModelhubError], runtime: Driven) -> None:
    """AT-C2: so that it may be tried again, or elsewhere."""
    with FaultServer(Reply(headers=SSE, chunks=sse([chunk(role="assistant"), said]))) as server, pytest.raises(kind) as error:
        runtime.stream(served(server), REQUEST)
    assert error.value.retryable


def test_done_without_a_finish_reason_is_an_answer_that_nobody_explained() -> None:
    """AT-C2/3 g: a success, and never called a stop."""
    response = answered(chunk("はい"), "[DONE]")
    assert (response.text, response.finish_reason, response.raw_finish_reason) == ("はい", "other", None)
    assert not response.complete


def test_a_finish_reason_without_done_is_an_answer() -> None:
    """AT-C2/3 h."""
    response = answered(chunk("はい"), chunk(finish="stop"))
    assert (response.text, response.finish_reason) == ("はい", "stop")


def test_nothing_at_all_is_no_answer() -> None:
    with pytest.raises(AnswerError):
        answered("[DONE]")


STRANGE: list[Any] = [
    {"choices": []},
    {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
    {"choices": [{"index": 0}]},
    {"choices": [{"index": 0, "delta": None}]},
    {"choices": [{"index": 0, "delta": {}, "content_filter_offsets": {"check_offset": 1}}]},
    {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {"hate": {"filtered": False}}}]},
    {"choices": [None]},
    {"choices": None},
    {"choices": "none"},
    {"usage": USAGE},
    {"choices": [], "usage": None},
    {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
    {"choices": [{"delta": {"content": None, "role": "", "tool_calls": None}}]},
    {"choices": [{"delta": {"tool_calls": [None, {}, {"index": 0}, {"function": None}]}}]},
    {"choices": [{"delta": {"content": ""}, "logprobs": {"content": None}}]},
    {},
    {"error": None, "choices": []},
]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(STRANGE)), max_size=6))
def test_chunks_without_choices_or_delta_lie_anywhere_and_harm_nothing(strange: list[tuple[int, Any]]) -> None:
    """AT-C2: usage chunks, filter chunks, empty ones, ones of other choices."""
    events: list[Any] = [chunk(role="assistant", content=""), chunk("今日"), chunk("は"), chunk(finish="stop")]
    for place, said in strange:
        events.insert(place, said)
    response = answered(*events, "[DONE]")
    assert (response.text, response.finish_reason, response.model) == ("今日は", "stop", "gpt-4o-x")


def test_filter_results_are_gathered_from_all_chunks() -> None:
    safe, low = {"hate": {"severity": "safe"}}, {"violence": {"severity": "low"}}
    first, second = chunk("今日"), chunk("は", "stop")
    first["choices"][0]["content_filter_results"] = safe
    second["choices"][0]["content_filter_results"] = low
    response = answered({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, first, second, "[DONE]")
    assert response.provider_metadata["prompt_filter_results"] == [{"prompt_index": 0}]
    assert response.provider_metadata["content_filter_results"] == {**safe, **low}


def test_a_finish_reason_that_comes_later_holds() -> None:
    """The asynchronous filter blocks an answer that had stopped."""
    late = {"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_offsets": {}}]}
    assert answered(chunk("今日は"), chunk(finish="stop"), late, "[DONE]").finish_reason == "content_filter"


@given(
    st.lists(st.text(max_size=8) | st.sampled_from(['"', "\\", "\n", "日本", "👩‍🚀", "\u2028", '"}', '","a":"']), max_size=8),
    st.data(),
)
def test_a_token_read_by_its_likeness_is_the_token(words: list[str], data: st.DataObject) -> None:
    """The short way and the whole parse give the same, whatever the text, the padding, and the form of the JSON."""
    ascii_only = data.draw(st.booleans())
    member = data.draw(st.sampled_from(["content", "reasoning_content"]))
    pieces = []
    for number, word in enumerate(words):
        said = {**chunk(**{member: word}), "obfuscation": "aZ9"[: number % 4]}
        pieces.append(f"data: {json.dumps(said, ensure_ascii=ascii_only, separators=(',', ':'))}\n\n".encode())
    pieces += sse([chunk(finish="stop"), "[DONE]"])
    together = data.draw(st.booleans())
    response = collect(decoded(b"".join(pieces)) if together else decoded(*pieces))
    assert (response.text if member == "content" else response.reasoning) == "".join(words)


def test_a_chunk_that_only_looks_like_the_one_before_is_parsed() -> None:
    plain = sse([chunk("a"), chunk("b")])
    other = sse([{**chunk("c"), "usage": USAGE}, chunk("d", "length")])
    response = collect(decoded(*plain, *other))
    assert (response.text, response.finish_reason, response.usage.input_tokens) == ("abcd", "length", 7)


def test_reasoning_comes_as_reasoning() -> None:
    for name in ("reasoning_content", "reasoning"):
        events = decoded(*sse([chunk(**{name: "考え"}), chunk(**{name: "中"}), chunk("答え", "stop"), "[DONE]"]))
        assert events[:3] == [ReasoningDelta("考え"), ReasoningDelta("中"), TextDelta("答え")]
        assert collect(events).reasoning == "考え中"


def test_content_in_parts_is_text_and_reasoning() -> None:
    """Mistral's reasoning models."""
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "考え"}]}, {"type": "text", "text": "答え"}]
    response = answered(chunk(content=thinking), chunk(finish="stop"), "[DONE]")  # type: ignore[arg-type]
    assert (response.reasoning, response.text) == ("考え", "答え")


def test_usage_is_asked_for_and_told(runtime: Driven) -> None:
    """AT-C1: with no option to remember."""
    chunks = sse([chunk("はい"), chunk(finish="stop"), {"choices": [], "usage": USAGE}, "[DONE]"])
    with FaultServer(Reply(headers=SSE, chunks=chunks)) as server:
        response = collect(runtime.stream(served(server), REQUEST))
        assert server.requests[0].json()["stream_options"] == {"include_usage": True}
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.source) == (7, 3, "provider")


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Unknown parameter: 'stream_options'.", "param": "stream_options", "code": "unknown_parameter"}},
        {"error": {"message": "unknown parameter stream_options", "type": "invalid_request_error"}},
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        {"message": "stream_options: Extra inputs are not permitted"},
    ],
)
def test_a_host_that_refuses_stream_options_is_remembered_and_its_usage_estimated(
    body: Any, status: int, runtime: Driven
) -> None:
    """AT-C1: dropped once, for ever."""
    chunks = sse([chunk("はい、元気です"), chunk(finish="stop"), "[DONE]"])
    with FaultServer(Reply(status, json=body), Reply(headers=SSE, chunks=chunks)) as server:
        asked = served(server)
        first, second = (collect(runtime.stream(asked, REQUEST)) for _ in range(2))
        assert ["stream_options" in request.json() for request in server.requests] == [True, False, False]
    assert first.usage == second.usage
    assert first.usage.source == "estimated"
    assert first.usage.input_tokens > 5
    assert first.usage.output_tokens > 2


def test_a_host_known_to_refuse_it_is_never_asked(runtime: Driven) -> None:
    with FaultServer(Reply(headers=SSE, chunks=sse([chunk("はい", "stop")]))) as server:
        response = collect(runtime.stream(served(server, quirks=Quirks(stream_usage=False)), REQUEST))
        assert "stream_options" not in server.requests[0].json()
    assert response.usage.source == "estimated"


def test_a_whole_answer_without_usage_is_estimated(runtime: Driven) -> None:
    """AT-C1."""
    said = {"choices": [{"message": {"content": "はい、元気です"}, "finish_reason": "stop"}], "usage": None}
    with FaultServer(Reply(json=said)) as server:
        usage = runtime.call(served(server), REQUEST).usage
    assert usage.source == "estimated"
    assert usage.input_tokens > 5
    assert usage.output_tokens > 2


@pytest.mark.parametrize(
    ("reply", "limits", "phase"),
    [
        (Reply(fault="stall", at="headers"), {"first_token": 0.3}, "first_token"),
        (Reply(headers=SSE, chunks=sse(BEGUN), fault="stall", at="first"), {"first_token": 0.3}, "first_token"),
        (Reply(headers=SSE, chunks=[b": ping\n\n"] * 40, chunk_delay=0.05), {"first_token": 0.4, "idle": 0.3}, "first_token"),
        (Reply(headers=SSE, chunks=sse(BEGUN), fault="stall"), {"idle": 0.3}, "idle"),
        (Reply(headers=SSE, chunks=sse([chunk("a")] * 40), chunk_delay=0.05), {"total": 0.4}, "total"),
    ],
)
def test_each_time_out_holds(reply: Reply, limits: Any, phase: str, runtime: Driven) -> None:
    """AT-C7: in streams; pings are no tokens."""
    request = TextRequest(messages=REQUEST.messages, timeouts=Timeouts(**limits))
    with FaultServer(reply) as server:
        asked, began = served(server), time.monotonic()
        with pytest.raises((TimedOut, StreamBroken)) as late:
            runtime.stream(asked, request)
        took = time.monotonic() - began
    error = late.value if isinstance(late.value, TimedOut) else late.value.__cause__
    assert isinstance(error, TimedOut)
    assert error.phase == phase
    assert took < error.seconds * 1.2 + 0.5


def test_a_slow_stream_that_lives_is_let_live(runtime: Driven) -> None:
    """AT-C7: bytes every 0.8 of the idle time."""
    chunks = sse([*[chunk("あ")] * 10, chunk(finish="stop"), "[DONE]"])
    request = TextRequest(messages=REQUEST.messages, timeouts=Timeouts(idle=0.5))
    with FaultServer(Reply(headers=SSE, chunks=chunks, chunk_delay=0.4)) as server:
        assert collect(runtime.stream(served(server), request)).text == "あ" * 10


def test_each_event_is_given_when_its_bytes_are_there() -> None:
    """AT-C8: nothing waits for what follows."""
    decoder = CHAT.decoder()
    for number, piece in enumerate(sse([chunk(f"w{number}") for number in range(50)])):
        assert decoder.feed(piece) == [TextDelta(f"w{number}")]


def test_tokens_reach_the_caller_while_the_host_still_writes() -> None:
    """AT-C8: the first comes long before the last, and they come one by one."""
    chunks = sse([*[chunk(f"w{number}") for number in range(10)], chunk(finish="stop"), "[DONE]"])
    with FaultServer(Reply(headers=SSE, chunks=chunks, chunk_delay=0.15)) as server, driven("blocking") as caller:
        came = [time.monotonic() for _ in iterate(served(server).stream(REQUEST, caller.runtime))]
    gaps = [later - earlier for earlier, later in pairwise(came[:10])]
    assert sorted(gaps)[3] > 0.03  # a machine that stops for a moment puts two or three together
    assert came[-1] - came[0] > 1.2


@pytest.mark.parametrize(
    ("reply", "limits", "phase"),
    [
        (Reply(fault="stall", at="headers"), {"total": 0.3}, "total"),
        (Reply(json={"choices": []}, fault="stall", at="middle"), {"idle": 0.3}, "idle"),
    ],
)
def test_each_time_out_holds_for_a_whole_answer(reply: Reply, limits: Any, phase: str, runtime: Driven) -> None:
    """AT-C7: in calls."""
    request = TextRequest(messages=REQUEST.messages, timeouts=Timeouts(**limits))
    with FaultServer(reply) as server:
        asked, began = served(server), time.monotonic()
        with pytest.raises(TimedOut) as late:
            runtime.call(asked, request)
    assert late.value.phase == phase
    assert time.monotonic() - began < 1


def test_the_time_of_a_token_does_not_grow_with_the_stream() -> None:
    """AT-C8: the last tokens of a long answer are read as fast as the first."""
    pieces = sse([chunk(f"w{number}") for number in range(1000)])

    def took(decoder: Any) -> float:
        began = time.process_time()
        for piece in pieces:
            decoder.feed(piece)
        return time.process_time() - began

    old = CHAT.decoder()
    for _ in range(40):
        took(old)
    seconds = [(took(CHAT.decoder()), took(old)) for _ in range(5)]  # in turns: a busy machine slows both
    assert min(last for _, last in seconds) < 2 * min(first for first, _ in seconds)


def test_abandoning_a_stream_gives_its_connection_back() -> None:
    world = FakeRuntime([sse([chunk("a"), chunk("b")])])
    events = iterate(model("gpt-4o", OpenAIOptions(api_key=Plain("k"))).stream(REQUEST, world))
    assert next(events) == TextDelta("a")
    events.close()
    assert world.streams[0].closed


def test_the_last_event_is_the_whole_response() -> None:
    world = FakeRuntime([sse([chunk("a"), chunk("b", "stop"), "[DONE]"])])
    *_, last = iterate(model("gpt-4o", OpenAIOptions(api_key=Plain("k"))).stream(REQUEST, world))
    assert isinstance(last, Finished)
    assert last.response.text == "ab"


ALL_AT_ONCE = b"".join(sse([chunk("灯"), chunk("台", "stop"), "[DONE]"]))


def test_a_host_that_holds_the_connection_open_behind_its_last_word_is_not_waited_for(runtime: Driven) -> None:
    held = Reply(headers=SSE, chunks=[ALL_AT_ONCE, b""], fault="stall", at="middle")
    with FaultServer(held) as server:
        began = time.monotonic()
        events = runtime.stream(served(server), REQUEST)
        assert time.monotonic() - began < 3
        assert collect(events).text == "灯台"
        assert server.wait_for_disconnect()


def test_a_body_that_ends_behind_its_last_word_leaves_its_connection_usable(runtime: Driven) -> None:
    late = Reply(headers=SSE, chunks=[ALL_AT_ONCE, b": bye\n\n"], chunk_delay=0.1)
    with FaultServer(late) as server:
        for _ in range(3):
            assert collect(runtime.stream(served(server), REQUEST)).text == "灯台"
        assert {request.connection for request in server.requests} == {1}


@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_connection_that_breaks_behind_the_last_word_breaks_nothing(fault: Any, runtime: Driven) -> None:
    with FaultServer(Reply(headers=SSE, chunks=[ALL_AT_ONCE, b""], fault=fault, at="middle")) as server:
        assert collect(runtime.stream(served(server), REQUEST)).text == "灯台"


def test_who_is_told_that_the_answer_is_complete_waits_for_no_time_out() -> None:
    late = TimedOut("The body does not end.", phase="idle", seconds=60)
    world = FakeRuntime([[ALL_AT_ONCE, late]])
    assert collect(iterate(served_by_openai().stream(REQUEST, world))).text == "灯台"
    assert world.streams[0].ending
    assert world.streams[0].closed


def served_by_openai() -> Any:
    return model("gpt-4o", OpenAIOptions(api_key=Plain("k")))


WHOLE = {
    "model": "gpt-4o-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "灯台です", **TOOL}, "finish_reason": "tool_calls"}],
    "usage": USAGE,
}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_host_that_does_not_stream_has_answered_all_the_same(indent: int | None, runtime: Driven) -> None:
    body = json.dumps(WHOLE, ensure_ascii=False, indent=indent)
    with FaultServer(Reply(headers={"content-type": "application/json"}, body=body)) as server:
        streamed = collect(runtime.stream(served(server), REQUEST))
        called = runtime.call(served(server), REQUEST)
    assert streamed.text == called.text == "灯台です"
    assert streamed.tool_calls == called.tool_calls
    assert (streamed.finish_reason, streamed.usage.input_tokens) == (called.finish_reason, called.usage.input_tokens)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps({"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}), RateLimited),
        (json.dumps({"error": {"message": "overloaded", "code": 503}}), ProviderDown),
        (json.dumps({"detail": "見つかりません"}), AnswerError),
        ("<!doctype html><title>Welcome</title>", AnswerError),
    ],
)
def test_what_comes_in_the_place_of_a_stream_is_what_it_means(body: str, kind: type[ModelhubError], runtime: Driven) -> None:
    """AT-E1: an error under the status of a success, asked for as a stream."""
    with FaultServer(Reply(body=body)) as server, pytest.raises(kind) as caught:
        runtime.stream(served(server), REQUEST)
    if isinstance(caught.value, AnswerError):
        assert caught.value.head


def test_a_host_that_streams_unasked_has_answered_all_the_same(runtime: Driven) -> None:
    told = {"choices": [], "usage": USAGE}
    with FaultServer(Reply(headers=SSE, chunks=sse([chunk("灯"), chunk("台", "stop"), told, "[DONE]"]))) as server:
        answer = runtime.call(served(server), REQUEST)
    assert (answer.text, answer.finish_reason, answer.usage.input_tokens) == ("灯台", "stop", 7)


def test_a_stream_unasked_that_is_cut_is_no_answer(runtime: Driven) -> None:
    with FaultServer(Reply(headers=SSE, chunks=sse([chunk("灯")]))) as server, pytest.raises(StreamBroken):
        runtime.call(served(server), REQUEST)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html>Please log in</html>", "it begins with '<html>Please log in</html>'"),
        ('{"code": 503, "msg": "混雑"}', 'it begins with \'{"code": 503, "msg": "混雑"}\''),
        ("", "it is empty"),
    ],
)
def test_what_is_no_answer_is_told_with_what_it_begins_with(body: str, told: str, runtime: Driven) -> None:
    with FaultServer(Reply(body=body)) as server, pytest.raises(AnswerError) as caught:
        runtime.call(served(server), REQUEST)
    assert told in caught.value.message


def test_the_beginning_of_what_is_no_answer_shows_no_key(runtime: Driven) -> None:
    """AT-H1: where the server repeats it."""
    options = OpenAIOptions(api_key=Plain("sk-sentinel-0123456789"))
    with FaultServer(Reply(body="<p>sk-sentinel-0123456789</p>")) as server:
        asked = model("gpt-4o", dataclasses.replace(options, base_url=server.url))
        with pytest.raises(AnswerError) as caught:
            runtime.call(asked, REQUEST)
    assert "begins with '<p>[key]" in caught.value.message
    assert "sentinel" not in repr(vars(caught.value))
