"""Servers that know less than llama.cpp's newest: what is asked of them, and what is made of it when they do not know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from modelhub_llama.options import LlamaOptions
from modelhub_llama.text import LlamaText, text_card
from modelhub_openai.site import Host

from modelhub import ContextOverflow, Message, Tool, ToolCall, ToolResult
from modelhub.clients.counting import TokenCount, counted_inputs, counted_prompt
from modelhub.http import HttpRequest, HttpResponse
from modelhub.plugin import EmbeddingRequest, TextRequest, TextSettings, drive
from modelhub.testing import FakeRuntime

Answer = Callable[[dict[str, Any]], Any]
ANSWER = {
    "choices": [{"message": {"content": "はい"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}


def server(**paths: Any) -> tuple[FakeRuntime, list[str]]:
    """A server that knows these paths, ``/`` written ``__`` and ``-`` written ``_``; and what it was asked."""
    asked: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        path = request.url.partition("//")[2].partition("/")[2]
        asked.append(path)
        found = paths.get(path.replace("/", "__").replace("-", "_").replace(".", ""))
        if found is None:
            return HttpResponse(404, body=b'{"detail": "Not Found"}')
        status, said = found if isinstance(found, tuple) else (200, found)
        body = said(json.loads(request.body or b"null")) if callable(said) else said
        return HttpResponse(status, body=json.dumps(body).encode())

    return FakeRuntime(answer), asked


def model(**options: Any) -> LlamaText:
    given = LlamaOptions(base_url="http://here/v1", **options)
    return LlamaText(Host("llama", "http://here/v1", {}, given.quirks), "m", given, text_card(given, "m"))


def request(*texts: str, **fields: Any) -> TextRequest:
    return TextRequest(messages=tuple(Message("user", text) for text in texts), **fields)


def counted(of: LlamaText, asked: TextRequest, runtime: FakeRuntime) -> TokenCount:
    assert drive(counted_prompt(of, asked, runtime)) == asyncio.run(counted_prompt(of, asked, runtime))
    return drive(counted_prompt(of, asked, runtime))


def test_the_newest_counts_a_conversation_itself() -> None:
    runtime, asked = server(v1__chat__completions__input_tokens=lambda body: {"input_tokens": len(body["messages"]) + 40})
    assert counted(model(), request("a", "b"), runtime) == TokenCount(42, exact=True)
    assert set(asked) == {"props", "v1/chat/completions/input_tokens"}


def test_an_older_one_is_asked_for_the_prompt_and_then_for_its_tokens() -> None:
    runtime, asked = server(
        apply_template=lambda body: {"prompt": f"<{body['messages'][0]['content']}>"},
        tokenize=lambda body: {"tokens": [1] * (len(body["content"]) + int(body["add_special"]))},
    )
    assert counted(model(), request("日本"), runtime) == TokenCount(5, exact=True)
    assert asked[-2:] == ["apply-template", "tokenize"]


def test_one_that_cannot_count_a_conversation_leaves_it_to_an_estimate() -> None:
    runtime, _ = server(extras__tokenize__count={"count": 7})
    assert not counted(model(), request("日本の首都"), runtime).exact


def test_a_text_is_counted_by_llama_cpp_python_too() -> None:
    runtime, asked = server(extras__tokenize__count=lambda body: {"count": len(body["input"])})
    assert counted(model(prompt="plain"), request("日本の首都"), runtime) == TokenCount(5, exact=True)
    assert asked[-1] == "extras/tokenize/count"


def test_tools_are_held_to_by_schema_where_nobody_knows_whether_the_template_does() -> None:
    bodies: list[Any] = []

    def chat(body: Any) -> Any:
        bodies.append(body)
        said = json.dumps({"tool_calls": [{"name": "f", "arguments": {}}]})
        return {"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}

    runtime, asked = server(v1__chat__completions=chat)
    of = model()
    for _ in range(2):
        response = drive(of.call(request("x", tools=(Tool("f"),)), runtime))
        assert [call.name for call in response.tool_calls] == ["f"]
    assert asked == ["props", "v1/chat/completions", "v1/chat/completions"]
    assert "tools" not in bodies[0]
    assert bodies[0]["response_format"]["type"] == "json_object"
    assert "f" in json.dumps(bodies[0]["response_format"]["schema"])


def test_a_template_that_knows_tools_is_given_them() -> None:
    bodies: list[Any] = []
    runtime, _ = server(
        props={"chat_template": "{{ tools }}"}, v1__chat__completions=lambda body: bodies.append(body) or ANSWER
    )
    drive(model().call(request("x", tools=(Tool("f"),)), runtime))
    assert [tool["function"]["name"] for tool in bodies[0]["tools"]] == ["f"]


TOLD = "request (700 tokens) exceeds the available context size (512 tokens), try increasing it"
LLAMA_CPP = {"error": {"code": 400, "message": TOLD, "type": "exceed_context_size_error", "n_prompt_tokens": 700, "n_ctx": 512}}
PYTHON = (
    "This model's maximum context length is 512 tokens. "
    "However, you requested 750 tokens (700 in the messages, 50 in the completion)."
)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, LLAMA_CPP),
        (400, {"error": {"message": PYTHON, "type": "invalid_request_error", "code": "context_length_exceeded"}}),
        (500, {"error": {"message": "Requested tokens (700) exceed context window of 512", "type": "internal_server_error"}}),
    ],
)
def test_each_way_to_say_that_a_prompt_is_too_long_has_its_numbers(status: int, body: Any) -> None:
    """AT-K: of llama.cpp's server and of llama-cpp-python's."""
    runtime, asked = server(v1__chat__completions=(status, body))
    with pytest.raises(ContextOverflow) as caught:
        drive(model().call(request("x", knobs=TextSettings(max_output_tokens=50)), runtime))
    assert (caught.value.prompt_tokens, caught.value.context_window, caught.value.max_output_tokens) == (700, 512, 50)
    assert asked == ["v1/chat/completions"]


def test_a_conversation_is_made_to_fit_once_a_server_has_told_its_window() -> None:
    def chat(body: Any) -> Any:
        return ANSWER if len(body["messages"]) < 5 else LLAMA_CPP

    runtime, asked = server(v1__chat__completions=chat)
    texts = [f"{number} " + "long " * 100 for number in range(8)]
    response = drive(model(on_overflow="trim").call(request(*texts), runtime))
    assert [notice.setting for notice in response.notices] == ["messages"]
    assert asked.count("v1/chat/completions") == 2


def test_an_older_server_that_puts_half_a_character_at_the_end_is_read_without_it() -> None:
    for path, choice in (
        ("chat__completions", {"message": {"content": "日本\ufffd"}}),
        ("completions", {"text": "日本\ufffd"}),
    ):
        runtime, _ = server(**{f"v1__{path}": {"choices": [{**choice, "finish_reason": "length"}]}})
        of = model(prompt="plain" if path == "completions" else "chat")
        assert drive(of.call(request("x"), runtime)).text == "日本"


def test_a_vectors_model_counts_as_its_server_does() -> None:
    from modelhub_llama.vectors import Told, vectors

    runtime, asked = server(tokenize=lambda body: {"tokens": [1] * (2 + len(body["content"]))})
    of: Any = vectors(Host("llama", "http://here/v1", {}, LlamaOptions().quirks), "m", Told())
    assert drive(counted_inputs(of, EmbeddingRequest(inputs=("日本", "東京都")), runtime)) == TokenCount(9, exact=True)
    assert asked == ["tokenize", "tokenize"]
    cut: Any = vectors(
        Host("llama", "http://here/v1", {}, LlamaOptions().quirks), "m", Told(tokens=lambda text: [1] * len(text))
    )
    assert drive(counted_inputs(cut, EmbeddingRequest(inputs=("日本", "東京都")), runtime)) == TokenCount(5, exact=True)


def test_calls_of_a_conversation_stay_calls_where_the_template_knows_them() -> None:
    bodies: list[Any] = []
    props = {"chat_template": "{{ tools }}"}
    runtime, _ = server(props=props, v1__chat__completions=lambda body: bodies.append(body) or ANSWER)
    turns = (Message("user", "x"), Message("assistant", ToolCall("c", "f", "{}")), Message("tool", (ToolResult("c", "晴れ"),)))
    drive(model().call(TextRequest(messages=turns), runtime))
    assert [turn["role"] for turn in bodies[0]["messages"]] == ["user", "assistant", "tool"]
    assert bodies[0]["messages"][1]["tool_calls"]
