"""What is sent to an Ollama: every field on purpose, and nothing that would be lost in silence."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from modelhub_llama.ollama.address import base_url, spelled_out
from modelhub_llama.ollama.chat import Chat
from modelhub_llama.ollama.embeddings import Embeddings
from modelhub_llama.ollama.plain import Plain
from modelhub_llama.ollama.site import ollama
from modelhub_llama.options import Adapter, LlamaOptions
from scripted_ollama import ScriptedOllama

from modelhub import Hub, Message, Tool, ToolCall, ToolResult, tool
from modelhub.plugin import (
    AudioPart,
    ConfigError,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    InvalidRequest,
    OutputType,
    ReasoningPart,
    TextPart,
    TextRequest,
    TextSettings,
    Unsupported,
)
from modelhub.plugin import (
    Plain as PlainSecret,
)

PNG = b"\x89PNG\r\n\x1a\n0"
QUESTION = TextRequest(messages=(Message("user", "東京の天気は？"),))
WEATHER = Tool("weather", "天気", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


def sent(request: TextRequest = QUESTION, *, stream: bool = False, **options: Any) -> dict[str, Any]:
    """The body of a chat request."""
    endpoint = Chat(ollama(LlamaOptions(engine="ollama", **options)), "qwen3")
    return dict(json.loads(endpoint.build(request, stream=stream).body or b""))


def turns(*messages: Message) -> list[dict[str, Any]]:
    return list(sent(TextRequest(messages=messages))["messages"])


def knobs(**settings: Any) -> TextRequest:
    return TextRequest(messages=QUESTION.messages, knobs=TextSettings(**settings))


def test_streaming_is_always_said_since_ollama_streams_where_nothing_is() -> None:
    assert sent(stream=False)["stream"] is False
    assert sent(stream=True)["stream"] is True


def test_cutting_a_prompt_is_always_refused_and_the_window_is_that_of_the_configuration() -> None:
    body = sent(context_window=16384)
    assert (body["truncate"], body["shift"], body["options"]["num_ctx"]) == (False, False, 16384)
    assert "options" not in sent()  # the server's own window, which it then refuses to cut to


def test_the_options_of_loading_go_with_every_request() -> None:
    body = sent(threads=4, batch=256, gpu_layers=0, mmap=False)
    assert body["options"] == {"num_thread": 4, "num_batch": 256, "num_gpu": 0, "use_mmap": False}


def test_every_knob_has_its_place_and_zeros_are_sent() -> None:
    body = sent(
        knobs(
            max_output_tokens=64,
            temperature=0,
            top_p=0.5,
            top_k=7,
            stop_sequences=("。",),
            seed=0,
            presence_penalty=0,
            frequency_penalty=-0.5,
            logprobs=0,
        )
    )
    assert body["options"] == {
        "num_predict": 64,
        "temperature": 0,
        "top_p": 0.5,
        "top_k": 7,
        "stop": ["。"],
        "seed": 0,
        "presence_penalty": 0,
        "frequency_penalty": -0.5,
    }
    assert (body["logprobs"], body["top_logprobs"]) == (True, 0)


@pytest.mark.parametrize(
    ("effort", "think"),
    [("none", False), ("low", "low"), ("medium", "medium"), ("high", "high"), ("max", "max"), ("HIGH", "high"), ("on", True)],
)
def test_an_effort_becomes_a_level_of_thinking(effort: str, think: bool | str) -> None:
    assert sent(knobs(reasoning_effort=effort))["think"] == think
    assert sent(knobs(reasoning_effort="minimal"))["think"] == "low"
    assert "think" not in sent()


@pytest.mark.parametrize(
    ("seconds", "written"), [(None, -1), (0.0, 0), (60.0, 60), (0.5, "0.5s"), (90.25, "90.25s"), (3600.0, 3600)]
)
def test_how_long_a_model_stays_is_said_in_a_way_that_ollama_does_not_round(seconds: float | None, written: Any) -> None:
    assert sent(keep_alive=seconds)["keep_alive"] == written
    assert "keep_alive" not in sent()  # five minutes are Ollama's own, unless its owner wants it otherwise


def test_more_fields_go_where_ollama_reads_them() -> None:
    body = sent(context_window=512, extra_body={"min_p": 0.05, "keep_alive": "1h", "options": {"repeat_penalty": 1.1}})
    assert body["options"] == {"num_ctx": 512, "repeat_penalty": 1.1, "min_p": 0.05}
    assert body["keep_alive"] == "1h"
    request = TextRequest(messages=QUESTION.messages, extra={"llama": {"mirostat": 2, "think": "max"}})
    assert (sent(request)["options"], sent(request)["think"]) == ({"mirostat": 2}, "max")


def test_pictures_are_bare_base64_beside_the_text() -> None:
    encoded = base64.b64encode(PNG).decode()
    parts = (TextPart("何？"), ImagePart(data=PNG), ImagePart(url=f"data:image/png;base64,{encoded}"))
    assert turns(Message("user", parts)) == [{"role": "user", "content": "何？", "images": [encoded, encoded]}]


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (ImagePart(url="https://x.jp/a.png"), "images"),
        (AudioPart(data=b"RIFF0000WAVE"), "audio"),
        (FilePart(data=b"%PDF-1"), "files"),
    ],
)
def test_what_ollama_does_not_take_is_refused_before_anything_is_sent(part: Any, feature: str) -> None:
    with pytest.raises(Unsupported) as refused:
        turns(Message("user", (TextPart("?"), part)))
    assert refused.value.feature == feature


def test_a_conversation_with_tools_keeps_thought_arguments_and_names() -> None:
    call = ToolCall("call_0", "weather", '{"city":"東京"}')
    assert turns(
        Message("system", "日本語で。"),
        Message("assistant", (ReasoningPart("考える"), TextPart("調べます"), call)),
        Message("tool", (ToolResult("call_0", "晴れ"), ToolResult("call_9", "?", name="other"))),
    ) == [
        {"role": "system", "content": "日本語で。"},
        {
            "role": "assistant",
            "content": "調べます",
            "thinking": "考える",
            "tool_calls": [{"id": "call_0", "function": {"name": "weather", "arguments": {"city": "東京"}}}],
        },
        {"role": "tool", "content": "晴れ", "tool_name": "weather", "tool_call_id": "call_0"},
        {"role": "tool", "content": "?", "tool_name": "other", "tool_call_id": "call_9"},
    ]


@pytest.mark.parametrize(
    "message",
    [
        Message("assistant", (ToolCall("1", "weather", "{"),)),
        Message("tool", "晴れ"),
        Message("user", (ToolCall("1", "weather"),)),
        Message("assistant", (ImagePart(data=PNG),)),
        Message("system", (ImagePart(data=PNG),)),
    ],
)
def test_a_turn_that_cannot_be_written_is_an_invalid_request(message: Message) -> None:
    with pytest.raises(InvalidRequest):
        turns(message)


def test_tools_are_sent_unless_none_may_be_called() -> None:
    asked = TextRequest(messages=QUESTION.messages, tools=(WEATHER,))
    assert sent(asked)["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "天気", "parameters": WEATHER.parameters}}
    ]
    assert "tools" not in sent(TextRequest(messages=QUESTION.messages, tools=(WEATHER,), tool_choice="none"))


def test_the_schema_of_an_output_type_is_the_format() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    assert sent(TextRequest(messages=QUESTION.messages, output=OutputType("City", schema)))["format"] == schema


def test_a_plain_prompt_goes_out_raw_and_alone() -> None:
    endpoint = Plain(ollama(LlamaOptions(engine="ollama", context_window=64)), "qwen3")
    request = TextRequest(messages=(Message("user", "昔々"),), knobs=TextSettings(seed=1))
    body = json.loads(endpoint.build(request, stream=True).body or b"")
    assert (body["prompt"], body["raw"], body["stream"], body["truncate"]) == ("昔々", True, True, False)
    assert body["options"] == {"num_ctx": 64, "seed": 1}
    with ScriptedOllama() as server, Hub(_config(server, prompt="plain")) as hub:
        client = hub.text("llama:qwen3:0.6b")
        assert client.generate("昔々").text == " 昔々"
        with pytest.raises(InvalidRequest, match="system, user"):
            client.generate("昔々", system="x")


def test_texts_are_embedded_whole_or_refused() -> None:
    endpoint = Embeddings(ollama(LlamaOptions(engine="ollama", context_window=256, keep_alive=None)), "all-minilm")
    body = json.loads(endpoint.build(EmbeddingRequest(inputs=("猫", "犬"), dimensions=8), stream=False).body or b"")
    assert body == {
        "model": "all-minilm",
        "input": ["猫", "犬"],
        "truncate": False,
        "dimensions": 8,
        "options": {"num_ctx": 256},
        "keep_alive": -1,
    }
    assert endpoint.card.limits == {"input_tokens": 256}


def test_a_key_is_a_bearer_token_that_shows_nowhere() -> None:
    site = ollama(LlamaOptions(engine="ollama", api_key=PlainSecret("oll-secret"), headers={"x-team-key": "team-secret"}))
    request = Chat(site, "m").build(QUESTION, stream=False)
    assert "secret" not in f"{site!r} {request!r} {request.headers!r}"
    assert request.headers["authorization"].reveal() == "Bearer oll-secret"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "options", [{"adapters": (Adapter(file="a.gguf"),)}, {"projector": "p.gguf"}, {"chat_template": "{{ messages }}"}]
)
def test_what_only_a_modelfile_can_say_is_refused_and_not_forgotten(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="Modelfile"):
        ollama(LlamaOptions(engine="ollama", **options))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("1.2.3.4:56789", "http://1.2.3.4:56789"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("https://example.com", "https://example.com:443"),
        ("HTTPS://example.com:8443/", "https://example.com:8443"),
        ("example.com/path/", "http://example.com:11434/path"),
        ("https://example.com:56789/path", "https://example.com:56789/path"),
        ("[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:11434"),
        ("https://[::2]:5/path/", "https://[::2]:5/path"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:11434", "http://[::1]:11434"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://localhost:11434/api/", "http://localhost:11434"),
        ("http://user:pass@host", "http://user:pass@host:80"),
    ],
)
def test_an_address_is_read_as_ollamas_own_client_reads_it(given: str, meant: str) -> None:
    assert spelled_out(given) == meant


@pytest.mark.parametrize("address", ["ftp://host", "host:port", "http://host?x=1", "host:99999", "two words"])
def test_what_is_no_address_is_a_mistake_of_the_configuration(address: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        base_url(address, "llama")


def test_the_variable_of_ollama_holds_where_the_configuration_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert base_url(None, "llama") == "http://localhost:11434"
    monkeypatch.setenv("OLLAMA_HOST", ' "10.0.0.5:8080" ')
    assert base_url(None, "llama") == "http://10.0.0.5:8080"
    assert base_url("http://other:1", "llama") == "http://other:1"
    monkeypatch.setenv("OLLAMA_HOST", "gopher://x")
    with pytest.raises(ConfigError, match="OLLAMA_HOST"):
        base_url(None, "llama")


def test_a_forced_tool_is_asked_for_by_schema_and_comes_back_as_a_call() -> None:
    """AT-O: Ollama has no ``tool_choice``; left to itself, the model would answer in words."""
    request = TextRequest(messages=QUESTION.messages, tools=(WEATHER,), tool_choice="required")
    with ScriptedOllama() as server, Hub(_config(server)) as hub:
        answer = hub.text("llama:qwen3:0.6b").generate(request.messages, tools=[WEATHER], tool_choice="weather")
        events = list(hub.text("llama:qwen3:0.6b").stream(request.messages, tools=[WEATHER], tool_choice="required"))
        called, streamed = server.asked("chat")
    assert "tools" not in called
    assert called["format"]["required"] == ["tool_calls"]
    assert (answer.text, answer.finish_reason) == ("", "tool_call")
    assert [(call.name, call.parsed()) for call in answer.tool_calls] == [("weather", {"city": "東京"})]
    assert not [event for event in events if type(event).__name__ == "TextDelta"]
    assert events[-1].response.tool_calls == answer.tool_calls
    assert (called["stream"], streamed["stream"]) == (False, True)


def test_functions_are_called_until_the_model_answers() -> None:
    @tool
    def weather(city: str) -> str:
        """The weather of a city."""
        return f"{city}は晴れ"

    with ScriptedOllama() as server, Hub(_config(server)) as hub:
        run = hub.text("llama:qwen3:0.6b").run_tools("weather?", tools=[weather])
        first, second = server.asked("chat")
    assert run.text == "You said: 東京は晴れ 👩‍🚀"
    assert second["messages"][len(first["messages"]) :] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_0", "function": {"name": "weather", "arguments": {"city": "東京"}}}],
        },
        {"role": "tool", "content": "東京は晴れ", "tool_name": "weather", "tool_call_id": "call_0"},
    ]


def _config(server: ScriptedOllama, **options: Any) -> dict[str, Any]:
    return {"providers": {"llama": {"engine": "ollama", "base_url": server.url, **options}}}
