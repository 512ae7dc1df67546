"""What we send to an Ollama is what its own Python package sends: two programs by different hands, one server."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from answers import PNG
from asked import Asked, asked
from pydantic import BaseModel

from modelhub import Hub, ImagePart, Message, TextPart, Tool, ToolCall, ToolResult

official = pytest.importorskip("ollama", reason="Ollama's package is not installed: nox -s proof installs it")
pytest.importorskip("modelhub_llama", reason="the plugin is not installed: pip install -e plugins/llama")
sys.path.append(str(Path(__file__).parents[2] / "plugins" / "llama" / "tests"))
from scripted_ollama import Kept, ScriptedOllama  # noqa: E402  # the plugin's own, so that both tests ask the same server

NAME = "qwen3:0.6b"
QUESTION = "首都はどこですか？ What is the capital? 🗼"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = Tool("weather", "The weather in a city.", PARAMETERS)
THEIR_TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city.", "parameters": PARAMETERS},
}
STORY = (
    Message("user", "東京の天気は？"),
    Message("assistant", (ToolCall("call_0", "weather", '{"city":"東京"}'),)),
    Message("tool", (ToolResult("call_0", "晴れ"),)),
)
THEIR_STORY = [
    {"role": "user", "content": "東京の天気は？"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "東京"}}}],
    },
    {"role": "tool", "content": "晴れ", "tool_name": "weather"},
]
UNSAID = {
    "truncate": "left to itself, Ollama answers a prompt that is too long from a part of it; their package cannot say no",
    "shift": "and so it does with one that grows too long while it answers",
}
IDS = {
    "messages.1.tool_calls.0.id": "which call a result is of, where one tool is called twice; their package drops it",
    "messages.2.tool_call_id": "the same, at the result",
}
EMPTY = {"options": "an empty object says nothing", "tools": "an empty list says nothing"}


class City(BaseModel):
    name: str
    mayors: list[str]


class Case(NamedTuple):
    """One thing asked in both ways, and what may differ: dotted places of the body, each with the reason why."""

    name: str
    theirs: Callable[[Any], Any]
    ours: Callable[[Hub], Any]
    differs: Mapping[str, str] = {}


def turn(content: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content, **more}]


def chat(**options: Any) -> Callable[[Any], Any]:
    def ask(client: Any) -> Any:
        answer = client.chat(**{"model": NAME, "messages": turn(QUESTION), **options})
        return list(answer) if options.get("stream") else answer

    return ask


def generate(prompt: Any = QUESTION, alias: str = f"llama:{NAME}", **options: Any) -> Callable[[Hub], Any]:
    return lambda hub: hub.text(alias).generate(prompt, **options)


def stream(prompt: Any = QUESTION, alias: str = f"llama:{NAME}", **options: Any) -> Callable[[Hub], Any]:
    return lambda hub: list(hub.text(alias).stream(prompt, **options))


CASES = [
    Case("chat", chat(), generate()),
    Case("chat, streamed", chat(stream=True), stream()),
    Case(
        "chat with a system message",
        chat(messages=[{"role": "system", "content": "日本語で。"}, *turn(QUESTION)]),
        generate(system="日本語で。"),
    ),
    Case(
        "chat with knobs",
        chat(options={"temperature": 0.25, "top_p": 0.75, "top_k": 7, "seed": 7, "stop": ["。", "\n"], "num_predict": 64}),
        generate(temperature=0.25, top_p=0.75, top_k=7, seed=7, stop_sequences=["。", "\n"], max_output_tokens=64),
    ),
    Case(
        "chat with zeros",
        chat(options={"temperature": 0, "seed": 0, "presence_penalty": 0, "frequency_penalty": 0}),
        generate(temperature=0, seed=0, presence_penalty=0, frequency_penalty=0),
    ),
    Case("chat with a window", chat(options={"num_ctx": 8192}), generate(alias="wide")),
    Case(
        "chat with how the model is loaded and kept",
        chat(options={"num_thread": 4, "num_gpu": 0, "num_batch": 256, "use_mmap": False}, keep_alive=-1),
        generate(alias="kept"),
    ),
    Case("chat with log-probabilities", chat(logprobs=True, top_logprobs=3), generate(logprobs=3)),
    Case("chat with thought", chat(think="high"), generate(reasoning_effort="high")),
    Case("chat without thought, streamed", chat(think=False, stream=True), stream(reasoning_effort="none")),
    Case("chat with tools", chat(tools=[THEIR_TOOL]), generate(tools=[TOOL])),
    Case("chat with tools, streamed", chat(tools=[THEIR_TOOL], stream=True), stream(tools=[TOOL])),
    Case(
        "chat after a tool's result",
        chat(messages=THEIR_STORY, tools=[THEIR_TOOL]),
        generate(STORY, tools=[TOOL]),
        {**IDS, "messages.1.content": "an empty text, which their package leaves out"},
    ),
    Case(
        "chat with a picture",
        chat(model="llava:7b", messages=turn("何？", images=[PNG])),
        generate(Message("user", (TextPart("何？"), ImagePart(data=PNG))), alias="llama:llava:7b"),
    ),
    Case(
        "chat with a picture that was encoded before",
        chat(model="llava:7b", messages=turn("何？", images=[base64.b64encode(PNG).decode()])),
        generate(
            Message(
                "user",
                (TextPart("何？"), ImagePart(url=f"data:image/png;base64,{base64.b64encode(PNG).decode()}")),
            ),
            alias="llama:llava:7b",
        ),
    ),
    Case("chat with a type to answer in", chat(format=City.model_json_schema()), generate(output_type=City)),
    Case(
        "plain completion",
        lambda client: client.generate(model=NAME, prompt="昔々、", raw=True, options={"num_predict": 8, "seed": 1}),
        generate("昔々、", alias="plain", max_output_tokens=8, seed=1),
    ),
    Case(
        "plain completion, streamed",
        lambda client: list(client.generate(model=NAME, prompt="昔々、", raw=True, stream=True)),
        stream("昔々、", alias="plain"),
    ),
    Case(
        "embeddings",
        lambda client: client.embed(model="all-minilm", input=["猫", "犬 dog"], truncate=False),
        lambda hub: hub.embedding("llama:all-minilm").embed(["猫", "犬 dog"]),
    ),
    Case(
        "embeddings with fewer dimensions",
        lambda client: client.embed(model="all-minilm", input=["猫"], truncate=False, dimensions=3),
        lambda hub: hub.embedding("llama:all-minilm").embed(["猫"], dimensions=3),
    ),
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedOllama]:
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    with ScriptedOllama(library=[Kept(name="gemma3:270m")]) as server:
        yield server


def config(url: str) -> dict[str, Any]:
    loading = {"threads": 4, "gpu_layers": 0, "batch": 256, "mmap": False, "keep_alive": False}
    return {
        "providers": {"llama": {"engine": "ollama", "base_url": url}},
        "models": {
            "wide": {"model": f"llama:{NAME}", "options": {"context_window": 8192}},
            "kept": {"model": f"llama:{NAME}", "options": loading},
            "plain": {"model": f"llama:{NAME}", "options": {"prompt": "plain"}},
        },
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_we_send_what_ollamas_own_package_sends(case: Case, server: ScriptedOllama) -> None:
    with official.Client(host=server.url) as client:
        case.theirs(client)
    theirs = asked(server.requests.pop())
    with Hub(config(server.url)) as hub:
        case.ours(hub)
    ours = asked(server.requests.pop())
    unsaid = {} if ours.path == "/api/embed" else UNSAID
    assert _without(ours, {**unsaid, **EMPTY, **case.differs}) == _without(theirs, {**EMPTY, **case.differs})
    assert not server.requests


def test_we_ask_for_lists_models_and_pulls_as_they_do(server: ScriptedOllama) -> None:
    from modelhub_llama.ollama.pull import pulling
    from modelhub_llama.options import LlamaOptions

    from modelhub.plugin import BlockingRuntime
    from modelhub.transport.drive import iterate

    with official.Client(host=server.url) as client:
        names = [model.model for model in client.list().models]
        for name in names:
            client.show(name)
        steps = [(step.status, step.completed, step.total) for step in client.pull("gemma3:270m", stream=True)]
    del server.kept["gemma3:270m"]
    theirs = [_without(asked(request), {"insecure": "false either way"}) for request in server.requests]
    server.requests.clear()
    runtime = BlockingRuntime()
    try:
        with Hub(config(server.url)) as hub:
            assert [card.model for card in hub.models("llama")] == [f"llama:{name}" for name in names]
        fetched = pulling("gemma3:270m", LlamaOptions(engine="ollama", base_url=server.url), runtime)
        *told, _ = iterate(fetched)
    finally:
        runtime.close()
    ours = [asked(request) for request in server.requests]
    assert sorted(map(repr, ours)) == sorted(map(repr, theirs))
    assert [(step.status, step.completed or None, step.total) for step in told] == steps  # type: ignore[union-attr]


def test_we_read_what_they_read(server: ScriptedOllama) -> None:
    with official.Client(host=server.url) as client:
        theirs = client.chat(model=NAME, messages=turn(QUESTION), think=True, logprobs=True, top_logprobs=2)
    with Hub(config(server.url)) as hub:
        ours = hub.text(f"llama:{NAME}").generate(QUESTION, reasoning_effort="on", logprobs=2)
    assert (ours.text, ours.reasoning, ours.raw_finish_reason) == (
        theirs.message.content,
        theirs.message.thinking,
        theirs.done_reason,
    )
    assert (ours.usage.input_tokens, ours.usage.output_tokens) == (theirs.prompt_eval_count, theirs.eval_count)
    assert [(token.token, token.logprob, len(token.alternatives)) for token in ours.logprobs or ()] == [
        (token.token, token.logprob, len(token.top_logprobs)) for token in theirs.logprobs
    ]


@pytest.mark.parametrize(
    "host",
    [
        "1.2.3.4", ":56789", "1.2.3.4:5", "http://1.2.3.4", "https://example.com", "example.com/path/", "[::2]:5/p", "[::2]",
        "https://[0001:002::1]/path",
    ],
)  # fmt: skip
def test_we_read_an_address_as_they_do(host: str) -> None:
    from modelhub_llama.ollama.address import spelled_out

    assert spelled_out(host) == sys.modules["ollama._client"]._parse_host(host)  # they have no other name


def test_there_are_calls_enough() -> None:
    assert len(CASES) >= 12


def _without(request: Asked, places: Mapping[str, str]) -> Asked:
    body = request.body
    for place in places:
        body = _removed(body, place.split("."), only_empty=place in EMPTY)
    return request._replace(body=body)


def _removed(value: Any, keys: list[str], *, only_empty: bool) -> Any:
    first, *rest = keys
    if isinstance(value, list):
        return [
            _removed(item, rest, only_empty=only_empty) if index == int(first) and rest else item
            for index, item in enumerate(value)
        ]
    if not isinstance(value, dict) or first not in value or (only_empty and value[first]):
        return value
    if rest:
        return {**value, first: _removed(value[first], rest, only_empty=only_empty)}
    return {name: item for name, item in value.items() if name != first}
