"""What chat completions send: each setting by the name that the model knows, nothing in silence, nothing invented."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from modelhub_openai.chat import Chat
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import host
from modelhub_openai.text import model

from modelhub.plugin import (
    AudioPart,
    BadRequest,
    FilePart,
    HttpResponse,
    ImagePart,
    InvalidRequest,
    Message,
    Plain,
    ReasoningPart,
    TextPart,
    TextRequest,
    TextSettings,
    Tool,
    ToolCall,
    ToolResult,
    Unsupported,
    output_type,
)
from modelhub.testing import FakeRuntime
from modelhub.testing.conformance.samples import document, picture, sound
from modelhub.transport.drive import drive
from modelhub.wrappers.negotiation import Negotiation

USER = Message("user", "天気は？")
WEATHER = Tool("weather", "天気", {"type": "object", "properties": {"place": {"type": "string"}}})
OK = HttpResponse(
    200,
    body=b'{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}',
)


def body(*turns: Message, name: str = "gpt-4o", stream: bool = False, quirks: Quirks | None = None, **fields: Any) -> Any:
    request = TextRequest(messages=turns or (USER,), **fields)
    site = host(OpenAIOptions(quirks=quirks or Quirks()))
    return json.loads(Chat(site, name).build(request, stream=stream).body or b"")


def test_the_body_reads_like_the_documentation() -> None:
    knobs = TextSettings(
        max_output_tokens=64, temperature=0.5, top_p=0.9, stop_sequences=("終",), seed=7, presence_penalty=0.1,
        frequency_penalty=0.2, logprobs=3, reasoning_effort="low", parallel_tool_calls=False,
    )  # fmt: skip
    said = body(Message("system", "簡潔に"), USER, knobs=knobs, tools=(WEATHER,), tool_choice="weather", stream=True)
    assert said == {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "簡潔に"}, {"role": "user", "content": "天気は？"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["終"],
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logprobs": True,
        "top_logprobs": 3,
        "reasoning_effort": "low",
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "天気", "parameters": WEATHER.parameters}}
        ],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": False,
    }


def test_what_is_not_set_is_not_sent() -> None:
    assert body() == {"model": "gpt-4o", "messages": [{"role": "user", "content": "天気は？"}]}


def test_zeros_are_sent() -> None:
    """AT-E4."""
    said = body(knobs=TextSettings(temperature=0, seed=0, presence_penalty=0, frequency_penalty=0.0, logprobs=0))
    assert {name: said[name] for name in ("temperature", "seed", "presence_penalty", "frequency_penalty", "top_logprobs")} == {
        "temperature": 0,
        "seed": 0,
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "top_logprobs": 0,
    }


@pytest.mark.parametrize(("choice", "sent"), [("auto", None), ("none", "none"), ("required", "required")])
def test_the_choice_of_a_tool(choice: str, sent: str | None) -> None:
    assert body(tools=(WEATHER,), tool_choice=choice).get("tool_choice") == sent


LIMITS = {
    "gpt-4o": "max_tokens",
    "gpt-4.1-mini-2025-04-14": "max_tokens",
    "o1": "max_completion_tokens",
    "o3-mini-2025-01-31": "max_completion_tokens",
    "o4-mini": "max_completion_tokens",
    "gpt-5-nano": "max_completion_tokens",
    "openai/gpt-5": "max_completion_tokens",
    "gpt-4.5-preview": "max_tokens",
    "llama-3.3-70b-versatile": "max_tokens",
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_goes_by_the_name_that_the_model_knows(name: str) -> None:
    """AT-E4."""
    assert body(name=name, knobs=TextSettings(max_output_tokens=5))[LIMITS[name]] == 5


def test_a_deployment_is_known_by_its_base_model() -> None:
    """AT-E4: a name of one's own says nothing."""
    site = host(OpenAIOptions(base_models={"prod": "o3"}))
    chat = Chat(site, "prod")
    sent = json.loads(
        chat.build(TextRequest(messages=(USER,), knobs=TextSettings(max_output_tokens=5)), stream=False).body or b""
    )
    assert (sent["model"], sent["max_completion_tokens"]) == ("prod", 5)
    assert chat.card.context_window == 200000


def refusal(param: str | None, message: str, code: str | None = "unsupported_parameter") -> HttpResponse:
    return HttpResponse(400, body=json.dumps({"error": {"message": message, "param": param, "code": code}}).encode())


OTHER_NAME = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize("answer", [refusal("max_tokens", OTHER_NAME), refusal(None, OTHER_NAME, None)])
def test_the_other_name_of_the_limit_is_learned_and_remembered(answer: HttpResponse) -> None:
    """AT-E4: where a deployment's name does not tell the model."""
    world = FakeRuntime([answer, OK, OK])
    asked = model("deployment-7", OpenAIOptions(api_key=Plain("k")))
    for _ in range(2):
        assert drive(asked.call(TextRequest(messages=(USER,), knobs=TextSettings(max_output_tokens=5)), world)).text == "ok"
    sent = [json.loads(request.body or b"") for request in world.requests]
    assert [sorted({"max_tokens", "max_completion_tokens"} & said.keys()) for said in sent] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


def test_a_setting_that_is_refused_is_left_out_with_a_notice() -> None:
    """AT-E4: never in silence, and only where it was set."""
    message = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
    world = FakeRuntime([refusal("temperature", message, "unsupported_value"), OK, OK, OK])
    asked = model("something-new", OpenAIOptions(api_key=Plain("k")))
    cold = TextRequest(messages=(USER,), knobs=TextSettings(temperature=0))
    first, second = (drive(asked.call(cold, world)) for _ in range(2))
    third = drive(asked.call(TextRequest(messages=(USER,)), world))
    assert [[notice.setting for notice in answer.notices] for answer in (first, second, third)] == [["temperature"]] * 2 + [[]]
    assert ["temperature" in json.loads(request.body or b"") for request in world.requests] == [True, False, False, False]


@pytest.mark.parametrize(
    "answer",
    [
        refusal(
            "reasoning_effort",
            "Unsupported value: 'minimal' is not supported. Supported values are: 'low'.",
            "unsupported_value",
        ),
        refusal("messages[0].role", "Unsupported value: 'messages[0].role' does not support 'developer'.", "unsupported_value"),
        refusal("temperature", "temperature must be at most 2", "invalid_value"),
        refusal("tools", "Unsupported parameter: 'tools'"),
        refusal(None, "Something else is not supported"),
    ],
)
def test_a_refusal_that_leaving_out_would_not_mend_is_told(answer: HttpResponse) -> None:
    world = FakeRuntime([answer])
    knobs = TextSettings(reasoning_effort="minimal", temperature=3)
    with pytest.raises(BadRequest):
        drive(model("gpt-5", OpenAIOptions(api_key=Plain("k"))).call(TextRequest(messages=(USER,), knobs=knobs), world))
    assert len(world.requests) == 1


@pytest.mark.parametrize("name", ["o3", "gpt-5", "o4-mini"])
def test_a_reasoning_model_takes_no_sampling_and_says_so(name: str) -> None:
    """AT-E4: nothing is asked that is known to be refused, and the answer tells what was left out."""
    world = FakeRuntime([OK])
    knobs = TextSettings(
        temperature=0.5, top_p=0.5, logprobs=2, presence_penalty=1, max_output_tokens=9, reasoning_effort="low"
    )
    answer = drive(
        Negotiation(model(name, OpenAIOptions(api_key=Plain("k")))).call(TextRequest(messages=(USER,), knobs=knobs), world)
    )
    sent = json.loads(world.requests[0].body or b"")
    assert sent.keys() == {"model", "messages", "max_completion_tokens", "reasoning_effort"}
    assert {notice.setting for notice in answer.notices} == {"temperature", "top_p", "logprobs", "presence_penalty"}


def test_what_the_host_is_known_not_to_take_is_a_notice() -> None:
    quirks = Quirks(parallel_tool_calls=False, forced_tools=False, omit=("seed",))
    request = TextRequest(
        messages=(USER,), tools=(WEATHER,), tool_choice="required", knobs=TextSettings(seed=1, parallel_tool_calls=False)
    )
    world = FakeRuntime([OK])
    answer = drive(model("m", OpenAIOptions(api_key=Plain("k"), quirks=quirks)).call(request, world))
    sent = json.loads(world.requests[0].body or b"")
    assert not {"seed", "parallel_tool_calls", "tool_choice"} & sent.keys()
    assert {notice.setting for notice in answer.notices} == {"seed", "parallel_tool_calls", "tool_choice"}


def test_options_of_this_provider_alone_are_merged_into_the_body() -> None:
    extra = {"openai": {"service_tier": "flex", "prediction": {"type": "content"}}, "azure-openai": {"user": "u"}}
    said = body(extra=extra)
    assert (said["service_tier"], said["prediction"]) == ("flex", {"type": "content"})
    assert "user" not in said


def test_options_of_the_connection_never_reach_the_body() -> None:
    """AT-E4, AT-H7."""
    options = OpenAIOptions(api_key=Plain("k"), ca_bundle="/ca.pem", proxy="http://proxy:1")
    request = Chat(host(options), "gpt-4o").build(TextRequest(messages=(USER,)), stream=False)
    assert json.loads(request.body or b"").keys() == {"model", "messages"}
    assert request.route is not None


def test_pictures_sounds_and_files_are_parts() -> None:
    (said,) = body(
        Message("user", ("見て", picture(), sound(), document()) and (TextPart("見て"), picture(), sound(), document()))
    )["messages"]
    kinds = [part["type"] for part in said["content"]]
    assert kinds == ["text", "image_url", "input_audio", "file"]
    assert said["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert said["content"][2]["input_audio"] == {"data": base64.b64encode(sound().data or b"").decode(), "format": "wav"}
    assert said["content"][3]["file"]["file_data"].startswith("data:application/pdf;base64,")


def test_a_picture_by_its_address_stays_an_address() -> None:
    (said,) = body(Message("user", ImagePart(url="https://example.com/猫.png")))["messages"]
    assert said["content"] == [{"type": "image_url", "image_url": {"url": "https://example.com/猫.png"}}]


@pytest.mark.parametrize("part", [AudioPart(url="https://example.com/a.wav"), FilePart(url="https://example.com/a.pdf")])
def test_a_sound_or_file_by_its_address_is_refused_before_anything_is_sent(part: Any) -> None:
    with pytest.raises(Unsupported, match="read it first"):
        body(Message("user", part))


def test_calls_and_their_results_go_back_as_turns() -> None:
    asked = Message(
        "assistant", (ReasoningPart("考え"), ToolCall("a", "weather", '{"place":"東京"}'), ToolCall("b", "now", ""))
    )
    told = Message("tool", (ToolResult("a", "晴れ"), ToolResult("b", "正午")))
    assert body(USER, asked, told)["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"place":"東京"}'}},
                {"id": "b", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "晴れ"},
        {"role": "tool", "tool_call_id": "b", "content": "正午"},
    ]


def test_reasoning_goes_back_where_the_host_wants_it() -> None:
    turn = Message("assistant", (ReasoningPart("考え"), TextPart("答え")))
    assert body(turn)["messages"] == [{"role": "assistant", "content": "答え"}]
    assert body(turn, quirks=Quirks(reasoning="reasoning_content"))["messages"][0]["reasoning_content"] == "考え"


def test_the_system_turn_may_be_the_developers() -> None:
    assert body(Message("system", "簡潔に"), quirks=Quirks(system_role="developer"))["messages"][0]["role"] == "developer"


@pytest.mark.parametrize(
    "turn",
    [
        Message("tool", "a result without its call"),
        Message("system", picture()),
        Message("assistant", (TextPart("a"), picture())),
        Message("user", (TextPart("a"), ToolCall("a", "weather"))),
    ],
)
def test_a_part_that_has_no_place_in_its_turn_is_refused(turn: Message) -> None:
    with pytest.raises(InvalidRequest):
        body(turn)


def test_a_type_is_asked_for_as_the_model_takes_it() -> None:
    wanted = output_type({"title": "city", "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]})
    strict = body(output=wanted)["response_format"]
    assert (strict["type"], strict["json_schema"]["name"], strict["json_schema"]["strict"]) == ("json_schema", "city", True)
    older = body(output=wanted, name="gpt-3.5-turbo")
    assert older["response_format"] == {"type": "json_object"}
    assert "JSON" in json.dumps(older["messages"])
    assert "response_format" not in body(output=wanted, name="gpt-4-0613")
