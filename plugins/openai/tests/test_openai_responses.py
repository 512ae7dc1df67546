"""The responses API: what it writes, what it reads whole and in pieces, and what it makes of refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.responses import Responses
from modelhub_openai.site import host
from modelhub_openai.text import model

from modelhub.plugin import (
    AnswerError,
    AudioPart,
    BadRequest,
    ContentFiltered,
    FilePart,
    Headers,
    HttpResponse,
    ImagePart,
    Message,
    OutputType,
    ProviderDown,
    RateLimited,
    ReasoningDelta,
    ReasoningPart,
    StreamBroken,
    TextDelta,
    TextPart,
    TextRequest,
    TextSettings,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolResult,
    Unsupported,
    output_type,
)
from modelhub.testing import Driven, FakeRuntime, Recording, TextEndpointConformance
from modelhub.testing.driven import driven
from modelhub.testing.script import sse

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 8
USAGE = {
    "input_tokens": 37,
    "input_tokens_details": {"cached_tokens": 11, "cache_write_tokens": 0},
    "output_tokens": 24,
    "output_tokens_details": {"reasoning_tokens": 8},
    "total_tokens": 61,
}


def response_object(*output: Any, status: str | None = "completed", **more: Any) -> dict[str, Any]:
    """A response object with all members that the API's document requires."""
    return {
        "id": "resp_67ccd2be",
        "object": "response",
        "created_at": 1741476542,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": "簡潔に。",
        "max_output_tokens": None,
        "model": "gpt-5-2025-08-07",
        "output": list(output),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": USAGE,
        "metadata": {},
        **more,
    }


def message(text: str, number: str = "msg_1", **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **more}
    return {"id": number, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def refusal(text: str) -> dict[str, Any]:
    return {**message(""), "content": [{"type": "refusal", "refusal": text}]}


def reasoning(*summaries: str, encrypted: str | None = "gAAAA+/=") -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": text} for text in summaries]
    return {"id": "rs_1", "type": "reasoning", "encrypted_content": encrypted, "summary": summary}


def call(arguments: str, number: str = "call_1", item: str = "fc_1", name: str = "weather") -> dict[str, Any]:
    return {
        "id": item,
        "type": "function_call",
        "status": "completed",
        "arguments": arguments,
        "call_id": number,
        "name": name,
    }


def typed(kind: str, **said: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"type": kind, **said}


def streamed(final: dict[str, Any]) -> list[tuple[str, Any]]:
    """The events in which the API sends that response."""
    empty = {**final, "status": "in_progress", "output": [], "usage": None}
    events = [typed("response.created", response=empty), typed("response.in_progress", response=empty)]
    for place, item in enumerate(final["output"]):
        at = {"output_index": place, "item_id": item["id"]}
        begun = {"content": [], "arguments": "", "summary": []}
        started = {**item, "status": "in_progress", **{name: begun[name] for name in begun if name in item}}
        events.append(typed("response.output_item.added", output_index=place, item=started))
        match item["type"]:
            case "message":
                for index, part in enumerate(item["content"]):
                    word = "text" if "text" in part else "refusal"
                    kind = "response.output_text" if word == "text" else "response.refusal"
                    here = {**at, "content_index": index}
                    events.append(typed("response.content_part.added", **here, part={**part, word: ""}))
                    events += [typed(f"{kind}.delta", **here, delta=piece) for piece in pieces(part[word])]
                    events.append(typed(f"{kind}.done", **here, **{word: part[word]}))
                    events.append(typed("response.content_part.done", **here, part=part))
            case "reasoning":
                for index, part in enumerate(item["summary"]):
                    here = {**at, "summary_index": index}
                    events.append(typed("response.reasoning_summary_part.added", **here, part={**part, "text": ""}))
                    events += [
                        typed("response.reasoning_summary_text.delta", **here, delta=piece) for piece in pieces(part["text"])
                    ]
                    events.append(typed("response.reasoning_summary_text.done", **here, text=part["text"]))
            case "function_call":
                deltas = pieces(item["arguments"])
                events += [typed("response.function_call_arguments.delta", **at, delta=piece) for piece in deltas]
                events.append(typed("response.function_call_arguments.done", **at, arguments=item["arguments"]))
        events.append(typed("response.output_item.done", output_index=place, item=item))
    return [*events, typed(f"response.{final['status']}", response=final)]


def pieces(text: str) -> list[str]:
    size = 7 if len(text) < 100 else 40
    return [text[place : place + size] for place in range(0, len(text), size)]


def body(events: list[Any]) -> bytes:
    return b"".join(sse(events))


def recording(name: str, final: dict[str, Any], request: Any = None, **answer: Any) -> Recording:
    whole = json.dumps(final, ensure_ascii=False).encode()
    return Recording(name=name, request=request, response=whole, chunks=body(streamed(final)), answer=answer)


LONG = "むかしむかし、あるところに、" * 20
"""So long that half of the stream's bytes hold the beginning of the answer: the response object comes three times beside it."""
REASONED = response_object(
    reasoning("**Weighing**\n\nThe user asks.", "次に天気。"),
    message("東京は晴れです。"),
    call('{"city": "東京"}'),
    call('{"city": "京都"}', "call_2", "fc_2"),
)
USED = {"input_tokens": 37, "output_tokens": 24, "cached_tokens": 11, "cache_write_tokens": 0, "reasoning_tokens": 8}
SEARCH = {"type": "search", "query": "天気", "queries": ["天気"]}
RECORDINGS = (
    recording(
        "reasoned",
        REASONED,
        text="東京は晴れです。",
        reasoning="**Weighing**\n\nThe user asks.\n\n次に天気。",
        finish_reason="tool_call",
        raw_finish_reason="completed",
        tool_calls=[
            {"id": "call_1", "name": "weather", "arguments": '{"city": "東京"}'},
            {"id": "call_2", "name": "weather", "arguments": '{"city": "京都"}'},
        ],
        usage=USED,
        model="gpt-5-2025-08-07",
        provider_metadata={"id": "resp_67ccd2be", "service_tier": "default"},
    ),
    recording(
        "cut",
        response_object(message(LONG), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        text=LONG,
        finish_reason="length",
        raw_finish_reason="max_output_tokens",
    ),
    recording(
        "filtered",
        response_object(message(LONG), status="incomplete", incomplete_details={"reason": "content_filter"}),
        finish_reason="content_filter",
    ),
    recording(
        "refused",
        response_object(refusal(LONG)),
        text=LONG,
        finish_reason="content_filter",
        provider_metadata={"refusal": LONG},
    ),
    recording(
        "logprobs",
        response_object(
            message(
                LONG,
                logprobs=[
                    {
                        "token": "Hi",
                        "logprob": -0.1,
                        "bytes": [72],
                        "top_logprobs": [{"token": "Yo", "logprob": -2.0, "bytes": [89]}],
                    }
                ],
                annotations=[
                    {"type": "url_citation", "url": "https://example.com", "title": "t", "start_index": 0, "end_index": 2}
                ],
            )
        ),
        text=LONG,
        logprobs=[{"token": "Hi", "logprob": -0.1, "alternatives": [["Yo", -2.0]]}],
    ),
    recording(
        "web",
        response_object({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": SEARCH}, message(LONG)),
        text=LONG,
        provider_metadata={"items": [{"id": "ws_1"}]},
    ),
)


def endpoint(name: str = "gpt-5", **options: Any) -> Responses:
    return Responses(host(OpenAIOptions(api_key_env=None, **options)), name)


def written(request: TextRequest, name: str = "gpt-5", **options: Any) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(endpoint(name, **options).build(request, stream=False).body or b"")
    return sent


def asking(*messages: Message, **more: Any) -> TextRequest:
    return TextRequest(messages=messages or (Message("user", "天気は？"),), **more)


class TestResponses(TextEndpointConformance):
    model_id = "openai:gpt-5"
    recordings = RECORDINGS
    faults = (
        (400, {"error": {"message": "no", "type": "invalid_request_error", "code": "invalid_prompt"}}, BadRequest),
        (429, {"error": {"message": "slow", "code": "rate_limit_exceeded"}}, RateLimited),
    )

    def endpoint(self) -> Responses:
        return Responses(host(OpenAIOptions(api_key=self.secret)), "gpt-5")


class TestResponsesOfAModelThatDoesNotReason(TestResponses):
    model_id = "openai:gpt-4.1"

    def endpoint(self) -> Responses:
        return Responses(host(OpenAIOptions(api_key=self.secret)), "gpt-4.1")


class TestResponsesOfAnUnknownModel(TestResponses):
    model_id = "openai:mystery"

    def endpoint(self) -> Responses:
        return Responses(host(OpenAIOptions(api_key=self.secret)), "mystery")


def test_a_conversation_becomes_instructions_and_items() -> None:
    signed = ReasoningPart("考えた", '{"id": "rs_1", "encrypted_content": "gAAAA"}')
    request = asking(
        Message("system", "簡潔に。"),
        Message("user", (TextPart("これは？"), ImagePart(data=PNG), FilePart(data=b"%PDF-1", name="要約.pdf"))),
        Message("assistant", (signed, TextPart("調べます。"), ToolCall("call_1", "weather", '{"city":"東京"}'))),
        Message("tool", (ToolResult("call_1", "晴れ", "weather"), ToolResult("call_2", "雨", "weather", is_error=True))),
        Message("system", "続けて。"),
        Message("user", (FilePart(url="https://example.com/a.pdf"), ImagePart(url="https://example.com/a.png"))),
    )
    sent = written(request)
    assert sent["instructions"] == "簡潔に。"
    assert sent["store"] is False
    assert sent["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "これは？"},
                {"type": "input_image", "image_url": ImagePart(data=PNG).data_url(), "detail": "auto"},
                {
                    "type": "input_file",
                    "filename": "要約.pdf",
                    "file_data": FilePart(data=b"%PDF-1").data_url(),
                },
            ],
        },
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "考えた"}],
            "id": "rs_1",
            "encrypted_content": "gAAAA",
        },
        {"role": "assistant", "content": "調べます。"},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"東京"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "晴れ"},
        {"type": "function_call_output", "call_id": "call_2", "output": "雨"},
        {"role": "system", "content": "続けて。"},
        {
            "role": "user",
            "content": [
                {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
            ],
        },
    ]


def test_reasoning_comes_back_as_it_went_out() -> None:
    answered = endpoint().parse(RECORDINGS[0].whole())
    sent = written(asking(Message("user", "?"), answered.message))["input"]
    assert sent[1] == {
        "type": "reasoning",
        "id": "rs_1",
        "encrypted_content": "gAAAA+/=",
        "summary": [{"type": "summary_text", "text": "**Weighing**\n\nThe user asks.\n\n次に天気。"}],
    }
    assert [item.get("type", item.get("role")) for item in sent] == [
        "user",
        "reasoning",
        "assistant",
        "function_call",
        "function_call",
    ]


@pytest.mark.parametrize("signature", [None, "a signature of another provider", "[]", '{"id": "x"}'])
def test_reasoning_that_cannot_be_proved_is_not_sent_back(signature: str | None) -> None:
    sent = written(asking(Message("user", "?"), Message("assistant", (ReasoningPart("x", signature), TextPart("y")))))
    assert sent["input"][1:] == [{"role": "assistant", "content": "y"}]


def test_knobs_tools_and_types_have_their_places() -> None:
    knobs = TextSettings(max_output_tokens=64, reasoning_effort="low", parallel_tool_calls=False)
    tool = Tool("weather", "天気", {"type": "object", "properties": {"city": {"type": "string"}}})
    request = asking(knobs=knobs, tools=(tool,), tool_choice="weather", output=output_type(list[int]))
    sent = written(request)
    assert sent["max_output_tokens"] == 64
    assert sent["reasoning"] == {"effort": "low"}
    assert sent["parallel_tool_calls"] is False
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert sent["tools"] == [
        {"type": "function", "name": "weather", "description": "天気", "parameters": tool.parameters, "strict": False}
    ]
    assert sent["tool_choice"] == {"type": "function", "name": "weather"}
    text = sent["text"]["format"]
    assert (text["type"], text["name"], text["strict"]) == ("json_schema", "list", True)
    assert text["schema"]["properties"]["value"] == {"type": "array", "items": {"type": "integer"}}


def test_what_is_not_set_is_not_sent() -> None:
    assert written(asking(), name="gpt-4.1").keys() == {"model", "input", "store"}
    knobs = TextSettings(temperature=0.0, top_p=0.5, logprobs=0)
    sent = written(asking(knobs=knobs), name="gpt-4.1")
    assert (sent["temperature"], sent["top_p"], sent["top_logprobs"]) == (0.0, 0.5, 0)
    assert sent["include"] == ["message.output_text.logprobs"]


def test_a_setting_that_the_api_does_not_know_is_not_on_the_card() -> None:
    settings = endpoint("mystery").card.settings
    assert settings is not None
    assert not settings & {"stop_sequences", "seed", "presence_penalty", "frequency_penalty", "top_k"}


def test_what_is_extra_is_laid_over_member_by_member() -> None:
    extra = {"openai": {"reasoning": {"summary": "auto"}, "store": True, "truncation": "auto"}}
    sent = written(asking(knobs=TextSettings(reasoning_effort="high"), extra=extra))
    assert sent["reasoning"] == {"effort": "high", "summary": "auto"}
    assert (sent["store"], sent["truncation"]) == (True, "auto")


def test_sound_is_refused() -> None:
    assert endpoint().card.supports("audio") is False
    with pytest.raises(Unsupported, match="no sound"):
        written(asking(Message("user", AudioPart(data=b"RIFF....WAVE"))))


def test_the_options_choose_the_api(runtime: Driven) -> None:
    chosen = model("gpt-5", OpenAIOptions(api_key_env=None, api="responses"))
    world = FakeRuntime([RECORDINGS[0].whole()])
    with driven("blocking", world) as caller:
        assert caller.call(chosen, asking()).text == "東京は晴れです。"
    assert world.requests[0].url == "https://api.openai.com/v1/responses"


def events_of(events: list[Any]) -> list[Any]:
    decoder = endpoint().decoder()
    return [*decoder.feed(body(events)), *decoder.close()]


def test_events_come_as_they_are_sent() -> None:
    seen = events_of(streamed(REASONED))
    kinds = [type(event).__name__ for event in seen]
    assert kinds.index("ReasoningDelta") < kinds.index("TextDelta") < kinds.index("ToolCallStarted")
    assert [event.call for event in seen if isinstance(event, ToolCalled)] == [
        ToolCall("call_1", "weather", '{"city": "東京"}'),
        ToolCall("call_2", "weather", '{"city": "京都"}'),
    ]
    assert seen.index(ToolCallStarted("call_1", "weather")) < seen.index(ToolCallDelta("call_1", '{"city"'))


def test_unknown_events_items_and_members_are_passed_over() -> None:
    events = streamed(REASONED)
    strange = [
        typed("response.hologram.delta", delta="?", output_index=0),
        typed("keepalive", sequence_number=3),
        typed("response.output_text.annotation.added", output_index=1, annotation={}),
        typed("response.output_item.added", output_index=9, item={"id": "h", "type": "hologram"}),
        "[DONE]",
    ]
    mixed = [event for pair in zip(events, strange * len(events), strict=False) for event in pair]
    plain = [event for event in events_of(events)[:-1] if not isinstance(event, ToolCallDelta)]
    assert [event for event in events_of([events[0], *mixed[2:]])[:-1] if not isinstance(event, ToolCallDelta)] == plain


def test_a_host_that_sends_no_pieces_is_understood() -> None:
    seen = events_of([typed("response.completed", response=REASONED)])
    assert TextDelta("東京は晴れです。") in seen
    assert ReasoningDelta("**Weighing**\n\nThe user asks.\n\n次に天気。") in seen
    assert len([event for event in seen if isinstance(event, ToolCalled)]) == 2


def test_a_host_whose_end_holds_no_output_is_understood() -> None:
    final = streamed(REASONED)
    final[-1] = typed("response.completed", response={**REASONED, "output": []})
    last = events_of(final)[-1].response
    assert replace(last, raw=None) == replace(endpoint().parse(RECORDINGS[0].whole()), raw=None)


def test_names_of_events_may_be_missing() -> None:
    assert events_of([said for _, said in streamed(REASONED)]) == events_of(streamed(REASONED))


def test_a_host_that_does_not_stream_is_understood() -> None:
    decoder = endpoint().decoder()
    body_ = RECORDINGS[0].whole().body
    seen = [*decoder.feed(body_[:7]), *decoder.feed(body_[7:]), *decoder.close()]
    assert TextDelta("東京は晴れです。") in seen
    assert replace(seen[-1].response, raw=None) == replace(endpoint().parse(RECORDINGS[0].whole()), raw=None)


@pytest.mark.parametrize("body_", [b"<html>sorry</html>", b'{"detail": "no"}', b'{"output": ['])
def test_what_is_no_stream_and_no_answer_is_shown(body_: bytes) -> None:
    decoder = endpoint().decoder()
    assert list(decoder.feed(body_)) == []
    with pytest.raises(AnswerError) as caught:
        list(decoder.close())
    assert caught.value.head == body_


def test_what_stands_before_an_error_is_told_though_it_came_with_it() -> None:
    begun = streamed(response_object(message("東京は晴れ")))
    cut = next(place for place, (kind, _) in enumerate(begun) if kind == "response.output_text.delta")
    events = iter(endpoint().decoder().feed(body([*begun[: cut + 1], typed("error", message="x")])))
    assert next(events) == TextDelta("東京は晴れ")
    with pytest.raises(StreamBroken):
        next(events)


def failing(kind: str, **said: Any) -> list[Any]:
    return [*streamed(REASONED)[:2], typed(kind, **said)]


FAILED = response_object(status="failed", error={"code": "server_error", "message": "The model failed."}, usage=None)


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (failing("response.failed", response=FAILED), ProviderDown),
        (
            failing("response.failed", response={**FAILED, "error": {"code": "rate_limit_exceeded", "message": "slow"}}),
            RateLimited,
        ),
        (failing("error", code="server_error", message="Something went wrong", param=None), ProviderDown),
        (failing("error", error={"code": "rate_limit_exceeded", "message": "slow"}), RateLimited),
        ([{"error": {"message": "overloaded", "code": 503}}], ProviderDown),
    ],
)
def test_an_error_before_the_answer_is_what_it_means(events: list[Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        events_of(events)


def test_an_error_behind_the_first_piece_breaks_the_stream_and_keeps_what_came() -> None:
    begun = streamed(response_object(message("東京は晴れ")))
    cut = next(place for place, (kind, _) in enumerate(begun) if kind == "response.output_text.delta")
    with pytest.raises(StreamBroken) as caught:
        events_of([*begun[: cut + 1], typed("response.failed", response=FAILED)])
    assert caught.value.code == "server_error"
    partial: Any = caught.value.partial
    assert partial.text == "東京は晴れ"
    assert partial.finish_reason != "stop"


def test_a_failed_answer_with_the_status_of_a_success_is_an_error() -> None:
    for error, kind in (
        ({"code": "server_error", "message": "x"}, ProviderDown),
        ({"code": "rate_limit_exceeded", "message": "x"}, RateLimited),
        ({"code": "image_content_policy_violation", "message": "x"}, ContentFiltered),
    ):
        failed = json.dumps({**FAILED, "error": error}).encode()
        with pytest.raises(kind):
            endpoint().parse(HttpResponse(200, Headers(), failed))


@pytest.mark.parametrize("bytes_", [b"", b"[]", b"<html>", b'{"id": "x"}', b'{"output": "x"}'])
def test_what_is_no_response_is_no_answer(bytes_: bytes) -> None:
    with pytest.raises(AnswerError):
        endpoint().parse(HttpResponse(200, Headers(), bytes_))


@pytest.mark.parametrize(
    "odd",
    [
        {"usage": None},
        {"usage": {"input_tokens": None, "output_tokens": 3}},
        {"output": [None, {}, {"type": None}, {"type": "message", "content": None}, message("x")]},
        {"status": None, "output": [message("x")]},
        {"output": [{"type": "message", "content": "x"}]},
        {"model": None, "id": None, "output": [message("x"), reasoning(encrypted=None)]},
    ],
)
def test_null_and_unknown_members_do_no_harm(odd: dict[str, Any]) -> None:
    read = endpoint().parse(HttpResponse(200, Headers(), json.dumps({**REASONED, **odd}).encode()))
    assert read.text in ("x", "東京は晴れです。")
    assert (read.finish_reason == "other") == ("status" in odd)


def test_a_refused_field_is_left_out_from_then_on(runtime: Driven) -> None:
    refusals = [
        {"message": "Unsupported parameter: 'temperature' is not supported with this model.", "param": "temperature"},
        {"message": "Unsupported parameter: 'reasoning.effort' is not supported with this model.", "param": "reasoning.effort"},
        {"message": "Encrypted content is not supported with this model.", "param": "include"},
    ]
    bodies = [HttpResponse(400, Headers(), json.dumps({"error": one}).encode()) for one in refusals]
    world = FakeRuntime([*bodies, RECORDINGS[0].whole(), RECORDINGS[0].whole()])
    taught = model("mystery", OpenAIOptions(api_key_env=None, api="responses"))
    request = asking(knobs=TextSettings(temperature=0.5, reasoning_effort="low"))
    with driven("blocking" if runtime.loop is None else "asynchronous", world) as caller:
        first = caller.call(taught, request)
        caller.call(taught, request)
    assert sorted(notice.setting for notice in first.notices) == ["reasoning_effort", "temperature"]
    assert len(world.requests) == 5
    assert not json.loads(world.requests[-1].body or b"").keys() & {"temperature", "reasoning", "include"}


def test_what_a_schema_cannot_say_is_noticed(runtime: Driven) -> None:
    wanted = OutputType("odd", {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]})
    asked = model("gpt-5", OpenAIOptions(api_key_env=None, api="responses"))
    world = FakeRuntime([RECORDINGS[0].whole()])
    with driven("blocking" if runtime.loop is None else "asynchronous", world) as caller:
        answered = caller.call(asked, asking(output=wanted))
    assert [notice.setting for notice in answered.notices] == ["output_type"]
    assert "maxLength" in answered.notices[0].message
