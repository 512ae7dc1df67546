"""``llama:`` against two servers of GGUF files that others wrote: xllamacpp's, and llama-cpp-python's, which is another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from local_servers import CONTEXT, SERVERS, Server, serving
from pydantic import BaseModel

from modelhub import (
    AsyncHub,
    BadRequest,
    ContextOverflow,
    Finished,
    Hub,
    TextDelta,
    TextResponse,
    Tool,
    ToolCalled,
)

pytest.importorskip("modelhub_llama", reason="the plugin is not installed: pip install -e plugins/llama")
pytest.importorskip("gguf", reason="gguf is not installed: pip install gguf")

WEATHER = Tool(
    "weather",
    "The weather in a city.",
    {
        "type": "object",
        "properties": {"city": {"enum": ["東京", "京都"]}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
)
TIDE = Tool("tide", "When the tide turns.", {"type": "object", "properties": {}, "additionalProperties": False})
SPOKEN = "日本語 🗼 👩‍👩‍👧"
GRAMMAR = f'root ::= "{SPOKEN}"'

DIFFERENT: dict[Server, dict[str, Any]] = {"xllamacpp": {}, "llama_cpp": {"pooling": "mean", "context_window": CONTEXT}}
"""What the configuration says of each, since the server does not."""


class Answer(BaseModel):
    """Short whatever a model of random numbers makes of it."""

    city: Literal["東京", "京都"]
    certain: bool


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    from tiny_model import write

    path = str(tmp_path_factory.mktemp("served") / "tiny.gguf")
    write(path, context=CONTEXT)
    return path


@pytest.fixture(scope="module", params=SERVERS)
def chatting(request: pytest.FixtureRequest, model: str) -> Iterator[dict[str, Any]]:
    with serving(_named(request), model) as url:
        yield _configured(url, request.param)


@pytest.fixture(scope="module", params=SERVERS)
def embedding(request: pytest.FixtureRequest, model: str) -> Iterator[dict[str, Any]]:
    with serving(_named(request), model, "embedding") as url:
        yield _configured(url, request.param)


def _named(request: pytest.FixtureRequest) -> Server:
    server: Server = request.param
    return server


def _configured(url: str, server: Server) -> dict[str, Any]:
    return {"providers": {"llama": {"base_url": url, **DIFFERENT[server]}}}


def both(config: dict[str, Any], prompt: str, **settings: Any) -> Iterator[TextResponse[Any]]:
    """The answer as a blocking caller gets it, and as an asynchronous one."""
    with Hub(config) as hub:
        yield hub.text("llama:tiny").generate(prompt, **settings)

    async def awaited() -> TextResponse[Any]:
        async with AsyncHub(config) as hub:
            return await hub.text("llama:tiny").generate(prompt, **settings)

    yield asyncio.run(awaited())


def streams(config: dict[str, Any], prompt: str, **settings: Any) -> Iterator[list[Any]]:
    """The events that a blocking caller sees, and an asynchronous one."""
    with Hub(config) as hub:
        yield list(hub.text("llama:tiny").stream(prompt, **settings))

    async def awaited() -> list[Any]:
        async with AsyncHub(config) as hub:
            return [event async for event in hub.text("llama:tiny").stream(prompt, **settings)]

    yield asyncio.run(awaited())


def test_it_answers_and_says_how_it_ended(chatting: dict[str, Any]) -> None:
    """AT-E2: an answer that was cut is not complete."""
    for response in both(chatting, "こんにちは 🗼", max_output_tokens=12, seed=7, temperature=0.8):
        assert response.text
        assert response.finish_reason == "length"
        assert response.raw_finish_reason == "length"
        assert response.usage.input_tokens
        assert response.usage.output_tokens
    for response in both(chatting, "Say it.", extra={"llama": {"grammar": GRAMMAR}}):
        assert response.finish_reason == "stop"


def test_a_seed_repeats(chatting: dict[str, Any]) -> None:
    blocking, awaited = both(chatting, "東京", max_output_tokens=24, seed=7, temperature=1.0)
    assert blocking.text == awaited.text


def test_a_stream_is_what_would_have_been_answered(chatting: dict[str, Any]) -> None:
    settings = {"max_output_tokens": 40, "seed": 7, "temperature": 0.0}
    whole, _ = both(chatting, "東京", **settings)
    for events in streams(chatting, "東京", **settings):
        assert isinstance(events[-1], Finished)
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == whole.text
        assert events[-1].response.finish_reason == whole.finish_reason == "length"


def test_no_character_is_cut_in_a_stream(chatting: dict[str, Any]) -> None:
    """AT-C9, AT-K: the model writes each of these bytes as a token of its own."""
    for events in streams(chatting, "Say it.", extra={"llama": {"grammar": GRAMMAR}}):
        deltas = [event.text for event in events if isinstance(event, TextDelta)]
        assert "".join(deltas) == SPOKEN
        assert len(deltas) > 3


def test_a_stop_sequence_ends_it(chatting: dict[str, Any]) -> None:
    """Over the border of tokens: each letter is one."""
    grammar = 'root ::= "one two three"'
    for response in both(chatting, "Count.", stop_sequences=["two"], extra={"llama": {"grammar": grammar}}):
        assert response.text == "one "
        assert response.finish_reason == "stop"


def test_a_type_is_kept_to(chatting: dict[str, Any]) -> None:
    """AT-O: from a model of random numbers."""
    for response in both(chatting, "首都は？", output_type=Answer, max_output_tokens=400, temperature=0.0):
        assert isinstance(response.output, Answer)


def test_a_named_tool_is_called(chatting: dict[str, Any]) -> None:
    """AT-C4: with arguments that follow its schema, whatever the server makes of ``tool_choice``."""
    settings = {"tools": [TIDE, WEATHER], "tool_choice": "weather", "max_output_tokens": 400, "temperature": 0.0}
    for response in both(chatting, "How is the weather?", **settings):
        _is_a_call(response)
    for events in streams(chatting, "How is the weather?", **settings):
        assert [event.call.name for event in events if isinstance(event, ToolCalled)] == ["weather"]
        _is_a_call(events[-1].response)


def _is_a_call(response: TextResponse[Any]) -> None:
    (call,) = response.tool_calls
    assert call.name == "weather"
    arguments = call.parsed()
    assert arguments["city"] in ("東京", "京都")
    assert isinstance(arguments["days"], int)  # llama-cpp-python holds a number to no limits
    assert response.finish_reason == "tool_call"


def test_log_probabilities_are_told(chatting: dict[str, Any]) -> None:
    for response in both(chatting, "東京", logprobs=2, max_output_tokens=8, temperature=0.0):
        assert response.logprobs
        assert all(token.logprob <= 0 for token in response.logprobs)
        assert all(token.alternatives for token in response.logprobs)


def test_a_prompt_that_is_too_long_is_said_to_be(chatting: dict[str, Any]) -> None:
    """AT-K: not a bare 400 or 500."""
    for asked in (both, streams):
        with pytest.raises(ContextOverflow) as raised:
            list(asked(chatting, "長い話です。" * 3000))
        assert raised.value.prompt_tokens is None or raised.value.prompt_tokens > CONTEXT


def test_tokens_are_counted_as_the_server_counts_them(chatting: dict[str, Any]) -> None:
    with Hub(chatting) as hub:
        assistant = hub.text("llama:tiny")
        counted = assistant.count_tokens("こんにちは 🗼")
        answered = assistant.generate("こんにちは 🗼", max_output_tokens=1).usage.input_tokens
    assert not counted.exact or counted.tokens == answered


def test_a_request_that_the_server_refuses_is_told_as_such(chatting: dict[str, Any]) -> None:
    """AT-E1: llama-cpp-python answers 500 to what it cannot read."""
    with Hub(chatting) as hub, pytest.raises(BadRequest):
        hub.text("llama:tiny").generate("東京", extra={"llama": {"messages": "not a list"}})


def test_calls_one_after_another_do_not_break(chatting: dict[str, Any]) -> None:
    """llama.cpp promises to keep a connection after a stream, and closes it."""
    with Hub(chatting) as hub:
        for number in range(20):
            events = list(hub.text("llama:tiny").stream(f"{number}", max_output_tokens=1))
            assert isinstance(events[-1], Finished)


def test_calls_beside_each_other_do_not_break(chatting: dict[str, Any]) -> None:
    async def crowd() -> list[TextResponse[Any]]:
        async with AsyncHub(chatting) as hub:
            model = hub.text("llama:tiny")
            return await asyncio.gather(*(model.generate(f"質問 {n}", max_output_tokens=4) for n in range(8)))

    assert len(asyncio.run(crowd())) == 8


def test_vectors_are_of_the_whole_text(embedding: dict[str, Any]) -> None:
    with Hub(embedding) as hub:
        vectors = hub.embedding("llama:tiny").embed(["猫", "犬", "猫"])

    async def awaited() -> Any:
        async with AsyncHub(embedding) as hub:
            return await hub.embedding("llama:tiny").embed(["猫"])

    assert (vectors.count, vectors.dimensions) == (3, 64)
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-4)
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-4)
    assert asyncio.run(awaited())[0] == pytest.approx(vectors[0], abs=1e-4)


def test_a_reader_who_leaves_does_not_hold_the_server_up(chatting: dict[str, Any]) -> None:
    """AT-C5, AT-K: the next one does not wait for the rest of thousands of tokens."""
    with Hub(chatting) as hub:
        assistant = hub.text("llama:tiny")
        with assistant.stream("東京", max_output_tokens=6000, extra={"llama": {"grammar": "root ::= [a-z]+"}}) as events:
            for event in events:
                if isinstance(event, TextDelta):
                    break
        started = time.monotonic()
        assistant.generate("京都", max_output_tokens=1)
        assert time.monotonic() - started < 30
