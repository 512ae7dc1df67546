"""AT-K: what does not fit is told before a token is decoded, with all its numbers, or made to fit where that is wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asking import config, four_ways, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from modelhub_llama.overflow import at_most, turns
from tiny_gguf import write

from modelhub import AsyncHub, ContextOverflow, Hub, Message, TextResponse, Tool, ToolCall, ToolResult
from modelhub.plugin import TextRequest

pytest.importorskip("xllamacpp", reason='the engine is not installed: pip install "modelhub-llama[engine]"')

WINDOW = 512


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("models") / "tiny.gguf", context=WINDOW)


@pytest.fixture(scope="module", params=["in-process", "server"])
def place(request: pytest.FixtureRequest, path: str) -> Iterator[dict[str, Any]]:
    if request.param == "in-process":
        yield config(path)
    else:
        with serving(path, n_ctx=2 * WINDOW) as found:
            yield found


def trimming(place: dict[str, Any]) -> dict[str, Any]:
    return {**place, "providers": {"llama": {**place["providers"]["llama"], "on_overflow": "trim"}}}


def conversation(count: int, length: int = 60) -> list[Message]:
    """A system message, so many turns, and a last question."""
    asked = [
        part for turn in range(count) for part in (Message("user", f"{turn:02}" + "u" * length), Message("assistant", "a"))
    ]
    return [Message("system", "短く。"), *asked, Message("user", "最後の質問")]


def test_a_prompt_that_is_too_long_is_told_with_all_its_numbers(place: dict[str, Any]) -> None:
    with Hub(place) as hub:
        exact = hub.text("a").count_tokens("長い話です。" * 50).tokens
        for asked in (hub.text("a").generate, lambda *a, **k: list(hub.text("a").stream(*a, **k))):
            with pytest.raises(ContextOverflow) as caught:
                asked("長い話です。" * 50, max_output_tokens=100)
            numbers = (caught.value.prompt_tokens, caught.value.context_window, caught.value.max_output_tokens)
            assert numbers == (exact, WINDOW, 100)


def test_the_room_for_the_answer_counts(path: str) -> None:
    async def awaited(limit: int) -> TextResponse[None]:
        async with AsyncHub(config(path)) as hub:
            return await hub.text("a").generate("x" * 300, max_output_tokens=limit)

    with Hub(config(path)) as hub:
        prompt = hub.text("a").count_tokens("x" * 300).tokens
    assert asyncio.run(awaited(WINDOW - prompt)).usage.input_tokens == prompt
    with pytest.raises(ContextOverflow) as caught:
        asyncio.run(awaited(WINDOW - prompt + 1))
    assert (caught.value.prompt_tokens, caught.value.max_output_tokens) == (prompt, WINDOW - prompt + 1)


def test_a_window_that_is_set_smaller_holds(path: str) -> None:
    with Hub(config(path, context_window=256)) as hub, pytest.raises(ContextOverflow) as caught:
        hub.text("a").generate("x" * 300)
    assert caught.value.context_window == 256


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, r"Shorten it: the model was trained for no more\.$"),
        ({"context_window": 4096}, r"holds 512\. Shorten it: the model was trained for no more\.$"),
        ({"context_window": 64}, r"Shorten it, or set a larger context_window, up to 512\.$"),
    ],
    ids=str,
)
def test_no_larger_window_is_advised_than_there_can_be(path: str, options: dict[str, Any], advice: str) -> None:
    with Hub(config(path, **options)) as hub, pytest.raises(ContextOverflow, match=advice):
        hub.text("a").generate("長い話です。" * 50)


def test_of_a_server_a_larger_context_is_advised(path: str) -> None:
    with serving(path, n_ctx=2 * WINDOW) as there:
        with Hub(trimming(there)) as hub, pytest.raises(ContextOverflow, match="or start the server with a larger context"):
            hub.text("a").generate("長い話です。" * 50)
        own = {**there, "providers": {"llama": {**there["providers"]["llama"], "context_window": 64}}}
        with Hub(own) as hub, pytest.raises(ContextOverflow, match="or set a larger context_window, up to 512"):
            hub.text("a").generate("長い話です。" * 50)


def test_a_file_that_does_not_say_what_it_was_trained_for_takes_what_is_set() -> None:
    from modelhub_llama.gguf.header import Header
    from modelhub_llama.gguf.memory import window
    from modelhub_llama.options import LlamaOptions

    said = {"general.architecture": "llama", "llama.context_length": 512}
    for metadata, asked, told in (
        ({}, None, 4096),
        ({}, 9000, 9000),
        (said, None, 512),
        (said, 9000, 512),
        (said, 64, 64),
    ):
        header = Header("x.gguf", 3, metadata, (), 0, 0)
        assert window(header, LlamaOptions(context_window=asked)) == told


def test_an_answer_that_fills_the_window_was_cut(place: dict[str, Any]) -> None:
    for response in four_ways(place, "x" * 460, extra={"llama": {"ignore_eos": True}}):
        assert response.finish_reason == "length"
        assert response.usage.total_tokens == WINDOW


def test_the_oldest_turns_are_left_out_where_that_is_wanted(place: dict[str, Any]) -> None:
    for response in four_ways(trimming(place), conversation(12), max_output_tokens=16):
        notices = [notice for notice in response.notices if notice.setting == "messages"]
        assert len(notices) == 1
        assert "oldest" in notices[0].message
        assert response.usage.input_tokens is not None
        assert WINDOW - 16 - 100 <= response.usage.input_tokens <= WINDOW - 16


def test_what_fits_is_left_as_it_is(place: dict[str, Any]) -> None:
    for response in four_ways(trimming(place), conversation(2), max_output_tokens=4):
        assert not response.notices


def test_what_cannot_be_left_out_overflows(place: dict[str, Any]) -> None:
    long = [*conversation(3), Message("user", "長い" * 200)]
    with Hub(trimming(place)) as hub, pytest.raises(ContextOverflow) as caught:
        hub.text("a").generate(long, max_output_tokens=10)
    assert caught.value.prompt_tokens is not None
    assert caught.value.prompt_tokens > WINDOW
    assert (caught.value.context_window, caught.value.max_output_tokens) == (WINDOW, 10)


def test_the_smallest_window_is_told_the_exact_number(path: str) -> None:
    with Hub(config(path, context_window=1)) as hub:
        exact = hub.text("a").count_tokens("日本").tokens
        with pytest.raises(ContextOverflow, match=rf"has {exact} tokens; the context window holds 1\.") as caught:
            hub.text("a").generate("日本")
    assert caught.value.prompt_tokens == exact


@pytest.mark.parametrize("what", ["a message", "a result"])
def test_megabytes_are_told_about_how_many_tokens_they_are(path: str, what: str) -> None:
    """Counted they would be within minutes, where a vocabulary is slow: so a piece is, and what it tells is no half."""
    text = "日本 " * 400_000
    called = [Message("user", "?"), Message("assistant", CALL), Message("tool", (ToolResult("c", text),))]
    with Hub(config(path)) as hub, pytest.raises(ContextOverflow, match="has about") as caught:
        hub.text("a").generate(text if what == "a message" else called)
    assert caught.value.prompt_tokens == pytest.approx(len(text.encode()), rel=0.05)


def test_a_prompt_of_megabytes_holds_up_no_event_loop(path: str) -> None:
    late: list[float] = []

    async def beat() -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.005)
            late.append(time.monotonic() - started)

    async def scene() -> None:
        async with AsyncHub(config(path)) as hub:
            await hub.text("a").generate("x", max_output_tokens=1)
            beating = asyncio.create_task(beat())
            await asyncio.sleep(0.02)
            with pytest.raises(ContextOverflow):
                await hub.text("a").generate("日本 " * 3_000_000)
            beating.cancel()

    asyncio.run(scene())
    assert max(late) < 1


CALL = ToolCall("c", "f", "{}")
RESULT = Message("tool", (ToolResult("c", "晴れ"),))
SPOKEN = [Message("user", "u"), Message("assistant", "a"), Message("assistant", CALL), Message("system", "s")]
STEPS = st.sampled_from([*SPOKEN, RESULT, Message("user", (ToolResult("c", "雨"),))])


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=12))
def test_turns_keep_their_parts_together(messages: list[Message]) -> None:
    always, older, last = turns(messages)
    assert [*always, *(message for turn in older for message in turn), *last] == [
        *(message for message in messages if message.role == "system"),
        *(message for message in messages if message.role != "system"),
    ]
    for turn in [*older[1:], *([last] if older else [])]:
        assert turn[0].role == "user"
        assert not any(isinstance(part, ToolResult) for part in turn[0].content)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_what_a_prompt_surely_does_not_exceed(texts: list[str]) -> None:
    request = TextRequest(messages=tuple(Message("user", text) for text in texts), tools=(Tool("f", "天気"),))
    assert at_most(request) >= sum(len(text.encode("utf-8", "replace")) for text in texts) + len("天気".encode())
