"""What we send is what the official client sends: two programs by different hands, one server, request by request."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from answers import PNG, WAV, vendor
from asked import Asked, asked
from pydantic import BaseModel, ConfigDict

from modelhub import AudioPart, FilePart, Hub, ImagePart, Message, TextPart, Tool, ToolCall, ToolResult
from modelhub.testing import FaultServer

openai = pytest.importorskip("openai", reason="the official client is not installed: nox -s proof installs it")
pytest.importorskip("modelhub_openai", reason="the plugin is not installed: pip install -e plugins/openai")

KEY = "sk-proof-0123456789"
QUESTION = "首都はどこですか？ What is the capital? 🗼"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = Tool("weather", "The weather in a city.", PARAMETERS)
THEIR_TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather in a city.", "parameters": PARAMETERS},
}
PICTURE = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PDF = b"%PDF-1.4\n%%EOF\n"


class City(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class Case(NamedTuple):
    """One thing asked in both ways, and what may differ: dotted places of the body, each with the reason why."""

    name: str
    theirs: Callable[[Any], Any]
    ours: Callable[[Hub], Any]
    differs: Mapping[str, str] = {}


def turn(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def chat(**options: Any) -> Callable[[Any], Any]:
    return lambda client: client.chat.completions.create(**{"model": "gpt-4o", "messages": turn(QUESTION), **options})


def generate(prompt: Any = QUESTION, model: str = "gpt-4o", **options: Any) -> Callable[[Hub], Any]:
    return lambda hub: hub.text(f"openai:{model}").generate(prompt, **options)


def respond(**options: Any) -> Callable[[Any], Any]:
    return lambda client: client.responses.create(**{"model": "gpt-4o", "input": turn(QUESTION), "store": False, **options})


def parts(*content: Any) -> Any:
    return Message("user", tuple(content))


def photo(name: str = "image-0.png") -> Any:
    return (name, PNG, "image/png")


def recording() -> Any:
    return ("audio.wav", WAV, "audio/wav")


STORY = (
    Message("user", "東京の天気は？"),
    Message("assistant", (ToolCall("call_1", "weather", '{"city":"東京"}'),)),
    Message("tool", (ToolResult("call_1", "晴れ"),)),
)
THEIR_STORY = [
    {"role": "user", "content": "東京の天気は？"},
    {
        "role": "assistant",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"東京"}'}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "晴れ"},
]
NO_STORE = {"include": "we ask for encrypted reasoning, so that a conversation can go on without being stored"}

CASES = [
    Case("chat", chat(), generate()),
    Case(
        "chat with a system message",
        chat(messages=[{"role": "system", "content": "日本語で。"}, *turn(QUESTION)]),
        generate(system="日本語で。"),
    ),
    Case(
        "chat with knobs",
        chat(temperature=0.3, top_p=0.9, seed=7, stop=["。", "\n"]),
        generate(temperature=0.3, top_p=0.9, seed=7, stop_sequences=["。", "\n"]),
    ),
    Case(
        "chat with zeros",
        chat(temperature=0, presence_penalty=0, frequency_penalty=0, seed=0),
        generate(temperature=0, presence_penalty=0, frequency_penalty=0, seed=0),
    ),
    Case("chat with a limit", chat(max_tokens=64), generate(max_output_tokens=64)),
    Case(
        "chat of a reasoning model",
        chat(model="o4-mini", max_completion_tokens=64, reasoning_effort="low"),
        generate(model="o4-mini", max_output_tokens=64, reasoning_effort="low"),
    ),
    Case("chat with log-probabilities", chat(logprobs=True, top_logprobs=3), generate(logprobs=3)),
    Case("chat with tools", chat(tools=[THEIR_TOOL]), generate(tools=[TOOL])),
    Case(
        "chat with a forced tool",
        chat(
            tools=[THEIR_TOOL],
            tool_choice={"type": "function", "function": {"name": "weather"}},
            parallel_tool_calls=False,
        ),
        generate(tools=[TOOL], tool_choice="weather", parallel_tool_calls=False),
    ),
    Case(
        "chat with any tool required",
        chat(tools=[THEIR_TOOL], tool_choice="required"),
        generate(tools=[TOOL], tool_choice="required"),
    ),
    Case(
        "chat after a tool's result",
        chat(messages=THEIR_STORY, tools=[THEIR_TOOL]),
        generate(STORY, tools=[TOOL]),
        {"messages.1.content": "null says in so many words that the assistant wrote nothing beside its call"},
    ),
    Case(
        "chat with a type to answer in",
        lambda client: client.chat.completions.parse(model="gpt-4o", messages=turn(QUESTION), response_format=City),
        generate(output_type=City),
        {"stream": "the official client says false here"},
    ),
    Case(
        "chat with a picture",
        chat(messages=turn([{"type": "text", "text": "何？"}, {"type": "image_url", "image_url": {"url": PICTURE}}])),
        generate(parts(TextPart("何？"), ImagePart(data=PNG))),
    ),
    Case(
        "chat with a picture's address",
        chat(messages=turn([{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "https://x.jp/a.png"}}])),
        generate(parts(TextPart("?"), ImagePart(url="https://x.jp/a.png"))),
    ),
    Case(
        "chat with a sound",
        chat(
            model="gpt-4o-audio-preview",
            messages=turn(
                [
                    {"type": "text", "text": "何と？"},
                    {"type": "input_audio", "input_audio": {"data": base64.b64encode(WAV).decode(), "format": "wav"}},
                ]
            ),
        ),
        generate(parts(TextPart("何と？"), AudioPart(data=WAV)), model="gpt-4o-audio-preview"),
    ),
    Case(
        "chat with a document",
        chat(
            messages=turn(
                [
                    {"type": "text", "text": "要約"},
                    {
                        "type": "file",
                        "file": {
                            "filename": "報告.pdf",
                            "file_data": f"data:application/pdf;base64,{base64.b64encode(PDF).decode()}",
                        },
                    },
                ]
            )
        ),
        generate(parts(TextPart("要約"), FilePart(data=PDF, name="報告.pdf"))),
    ),
    Case(
        "chat, streamed",
        lambda client: list(chat(stream=True, stream_options={"include_usage": True})(client)),
        lambda hub: list(hub.text("openai:gpt-4o").stream(QUESTION)),
    ),
    Case(
        "responses",
        respond(instructions="日本語で。", max_output_tokens=64, temperature=0),
        lambda hub: hub.text("responses").generate(QUESTION, system="日本語で。", max_output_tokens=64, temperature=0),
        NO_STORE,
    ),
    Case(
        "responses with a tool",
        respond(tools=[{"type": "function", "name": "weather", "description": TOOL.description, "parameters": PARAMETERS}]),
        lambda hub: hub.text("responses").generate(QUESTION, tools=[TOOL]),
        {**NO_STORE, "tools.0.strict": "left out, the service would make it strict; a schema like this one cannot be"},
    ),
    Case(
        "responses, streamed",
        lambda client: list(respond(stream=True)(client)),
        lambda hub: list(hub.text("responses").stream(QUESTION)),
        NO_STORE,
    ),
    Case(
        "embeddings",
        lambda client: client.embeddings.create(model="text-embedding-3-small", input=["猫", "犬 dog"]),
        lambda hub: hub.embedding("openai:text-embedding-3-small").embed(["猫", "犬 dog"]),
    ),
    Case(
        "embeddings with fewer dimensions",
        lambda client: client.embeddings.create(model="text-embedding-3-small", input=["猫"], dimensions=3),
        lambda hub: hub.embedding("openai:text-embedding-3-small").embed(["猫"], dimensions=3),
    ),
    Case(
        "an image",
        lambda client: client.images.generate(
            model="dall-e-3", prompt="猫", size="1792x1024", quality="hd", style="natural", response_format="b64_json"
        ),
        lambda hub: hub.image("openai:dall-e-3").generate("猫", size=(1792, 1024), quality="hd", style="natural"),
        {"n": "1 either way"},
    ),
    Case(
        "an image of a newer model",
        lambda client: client.images.generate(
            model="gpt-image-1", prompt="猫", size="1024x1536", quality="low", background="transparent", output_format="png"
        ),
        lambda hub: hub.image("openai:gpt-image-1").generate(
            "猫", size=(1024, 1536), quality="low", background="transparent", output_format="png"
        ),
        {"n": "1 either way"},
    ),
    Case(
        "an image, edited behind a mask",
        lambda client: client.images.edit(model="gpt-image-1", image=photo(), mask=photo("mask.png"), prompt="帽子"),
        lambda hub: hub.image("openai:gpt-image-1").edit(PNG, "帽子", mask=PNG),
        {"n": "1 either way"},
    ),
    Case(
        "an image, varied",
        lambda client: client.images.create_variation(
            model="dall-e-2", image=photo(), size="256x256", response_format="b64_json"
        ),
        lambda hub: hub.image("openai:dall-e-2").vary(PNG, size=(256, 256)),
        {"n": "1 either way"},
    ),
    Case(
        "speech",
        lambda client: client.audio.speech.create(
            model="tts-1", input="こんにちは", voice="nova", response_format="wav", speed=1.25
        ),
        lambda hub: hub.speech("openai:tts-1").speak("こんにちは", voice="nova", output_format="wav", speed=1.25),
    ),
    Case(
        "speech with instructions",
        lambda client: client.audio.speech.create(
            model="gpt-4o-mini-tts", input="はい", voice="coral", response_format="wav", instructions="静かに"
        ),
        lambda hub: hub.speech("openai:gpt-4o-mini-tts").speak(
            "はい", voice="coral", output_format="wav", instructions="静かに"
        ),
    ),
    Case(
        "a transcript",
        lambda client: client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=recording(), language="ja", prompt="天気", response_format="json"
        ),
        lambda hub: hub.transcription("openai:gpt-4o-transcribe").transcribe(WAV, language="ja", prompt="天気"),
    ),
    Case(
        "a transcript with times",
        lambda client: client.audio.transcriptions.create(
            model="whisper-1",
            file=recording(),
            response_format="verbose_json",
            timestamp_granularities=["segment", "word"],
            temperature=0,
        ),
        lambda hub: hub.transcription("openai:whisper-1").transcribe(WAV, timestamps=["segment", "word"], temperature=0),
    ),
    Case(
        "a translation",
        lambda client: client.audio.translations.create(model="whisper-1", file=recording(), response_format="json"),
        lambda hub: hub.transcription("openai:whisper-1").transcribe(WAV, translate=True),
        {"response_format": "we ask for more than the bare text where the model has it"},
    ),
    Case("a list of models", lambda client: list(client.models.list()), lambda hub: hub.models("openai")),
]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(vendor) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_we_send_what_the_official_client_sends(case: Case, server: FaultServer) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what they will drop one day is still sent today
        case.theirs(client)
    theirs = asked(server.requests.pop())
    account = {"base_url": f"{server.url}/v1", "api_key": KEY}
    config = {
        "providers": {"openai": account},
        "models": {"responses": {"model": "openai:gpt-4o", "options": {"api": "responses"}}},
    }
    with Hub(config) as hub:
        case.ours(hub)
    ours = asked(server.requests.pop())
    assert _without(ours, case.differs) == _without(theirs, case.differs)


def test_there_are_calls_of_every_kind() -> None:
    assert len(CASES) >= 25


def _without(request: Asked, places: Mapping[str, str]) -> Asked:
    body = request.body
    for place in places:
        body = _removed(body, place.split("."))
    return request._replace(body=body)


def _removed(value: Any, keys: list[str]) -> Any:
    first, *rest = keys
    if isinstance(value, list):
        return [_removed(item, rest) if index == int(first) and rest else item for index, item in enumerate(value)]
    if not isinstance(value, dict) or first not in value:
        return value
    if rest:
        return {**value, first: _removed(value[first], rest)}
    return {name: item for name, item in value.items() if name != first}
