"""Whoever leaves stops the engine within two tokens, in either runtime, and whatever the way he leaves by."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import config
from engine_room import busy, decoded_after_leaving, eventually, unload

from modelhub import AsyncHub, Hub, StreamBroken, TimedOut, Timeouts

pytest.importorskip("xllamacpp", reason='the engine is missing: pip install "modelhub-llama[engine]"')

ENDLESS: dict[str, Any] = {"extra": {"llama": {"grammar": "root ::= [a-z]*", "ignore_eos": True}}, "max_output_tokens": 1500}
"""An answer that takes seconds."""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A model that takes some milliseconds for a token."""
    from tiny_gguf import write

    yield write(tmp_path_factory.mktemp("slow") / "slow.gguf", width=512, layers=3, heads=8, context=2048)
    unload()


@pytest.fixture(autouse=True)
def alone() -> None:
    """No other engine is loaded than the test's own."""
    unload()


def first(stream: Any) -> None:
    """Read until the answer has begun."""
    next(iter(stream))


def by_break(text: Any) -> None:
    for _ in text.stream("東京は", **ENDLESS):
        break


def by_close(text: Any) -> None:
    stream = text.stream("東京は", **ENDLESS)
    first(stream)
    stream.close()


def by_forgetting(text: Any) -> None:
    stream = text.stream("東京は", **ENDLESS)
    first(stream)
    del stream
    gc.collect()


def by_another_thread(text: Any) -> None:
    stream = text.stream("東京は", **ENDLESS)
    first(stream)
    threading.Timer(0.1, stream.close).start()
    with pytest.raises(StreamBroken):
        stream.collect()


def by_time_out_of_a_call(text: Any) -> None:
    with pytest.raises(TimedOut):
        text.generate("東京は", **ENDLESS, timeouts=Timeouts(total=0.5))


def by_time_out_of_a_stream(text: Any) -> None:
    with pytest.raises(StreamBroken):
        text.stream("東京は", **ENDLESS, timeouts=Timeouts(total=0.5)).collect()


def by_interrupt(text: Any) -> None:
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        text.generate("東京は", **ENDLESS)


@pytest.mark.parametrize(
    "leave",
    [by_break, by_close, by_forgetting, by_another_thread, by_time_out_of_a_call, by_time_out_of_a_stream, by_interrupt],
)
def test_a_caller_who_leaves_stops_decoding_within_two_tokens(slow: str, leave: Callable[[Any], None]) -> None:
    """AT-K, AT-C5: client disconnect stops decoding within 2 tokens and frees the slot."""
    with Hub(config(slow)) as hub:
        text = hub.text("a")
        leave(text)
        assert decoded_after_leaving() <= 2
        assert text.generate("hi", max_output_tokens=1).usage.output_tokens == 1


async def async_break(text: Any) -> None:
    async with text.stream("東京は", **ENDLESS) as stream:
        async for _ in stream:
            break


async def async_close(text: Any) -> None:
    stream = text.stream("東京は", **ENDLESS)
    await anext(stream)
    await stream.aclose()


async def async_forgetting(text: Any) -> None:
    stream = text.stream("東京は", **ENDLESS)
    await anext(stream)
    del stream
    gc.collect()
    await asyncio.sleep(0.05)


async def async_cancelled_stream(text: Any) -> None:
    await cancelled(asyncio.create_task(text.stream("東京は", **ENDLESS).collect()))


async def async_cancelled_call(text: Any) -> None:
    await cancelled(asyncio.create_task(text.generate("東京は", **ENDLESS)))


async def cancelled(task: asyncio.Task[Any]) -> None:
    await asyncio.to_thread(eventually, lambda: bool(busy()))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def async_time_out(text: Any) -> None:
    with pytest.raises(TimedOut):
        await text.generate("東京は", **ENDLESS, timeouts=Timeouts(total=0.5))


@pytest.mark.parametrize(
    "leave",
    [async_break, async_close, async_forgetting, async_cancelled_stream, async_cancelled_call, async_time_out],
)
def test_a_task_that_leaves_stops_decoding_within_two_tokens(slow: str, leave: Callable[[Any], Awaitable[None]]) -> None:
    """AT-K, AT-C5: the same, awaited."""

    async def scene() -> None:
        async with AsyncHub(config(slow)) as hub:
            text = hub.text("a")
            await text.generate("hi", max_output_tokens=1)
            await leave(text)
            assert await asyncio.to_thread(decoded_after_leaving) <= 2
            assert (await text.generate("hi", max_output_tokens=1)).usage.output_tokens == 1

    asyncio.run(scene())


def test_a_hundred_who_leave_leave_nothing_behind(slow: str) -> None:
    """AT-C5: repetitions leave 0 busy slots, 0 extra files, 0 pending places."""
    import os

    with Hub(config(slow)) as hub:
        text = hub.text("a")
        by_close(text)
        eventually(lambda: not busy())
        before = len(os.listdir("/dev/fd"))
        for _ in range(100):
            by_close(text)
        eventually(lambda: not busy())
        eventually(lambda: len(os.listdir("/dev/fd")) <= before)
    assert users() == 0


def users() -> int:
    from modelhub.plugin import engines

    return sum(entry.users for entry in engines()._entries.values())


def test_what_is_left_while_it_waits_for_its_turn_is_forgotten(slow: str) -> None:
    """AT-K: places of callers who left while they waited are free at once, and the engine never decodes for them."""

    async def scene() -> None:
        async with AsyncHub(config(slow, parallel=1, queue=4)) as hub:
            text = hub.text("a")
            await text.generate("hi", max_output_tokens=1)
            running = asyncio.create_task(text.stream("東京は", **ENDLESS).collect())
            await asyncio.to_thread(eventually, lambda: bool(busy()))
            for _ in range(3):  # three times as many as there are places
                waiting = [asyncio.create_task(text.generate("大阪は", **ENDLESS)) for _ in range(4)]
                await asyncio.sleep(0.2)
                assert users() == 5
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                assert users() == 1
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            started = time.monotonic()
            await text.generate("hi", max_output_tokens=1)
            assert time.monotonic() - started < 5, "What was left is not decoded first: a second at most goes by."

    asyncio.run(scene())


def test_a_time_out_holds_while_a_request_waits_for_its_turn(slow: str) -> None:
    """AT-C7: stalled in the queue."""
    with Hub(config(slow, parallel=1)) as hub:
        text = hub.text("a")
        with text.stream("東京は", **ENDLESS) as running:
            first(running)
            for phase in ("first_token", "total"):
                started = time.monotonic()
                with pytest.raises((TimedOut, StreamBroken)):
                    text.stream("大阪は", **ENDLESS, timeouts=Timeouts(**{phase: 0.3})).collect()
                assert 0.3 <= time.monotonic() - started < 1.5
            started = time.monotonic()
            with pytest.raises(TimedOut) as caught:
                text.generate("大阪は", **ENDLESS, timeouts=Timeouts(total=0.3))
            assert caught.value.phase == "total"
            assert 0.3 <= time.monotonic() - started < 1.5


def test_a_time_out_holds_while_a_prompt_is_taken_in(tmp_path: Path) -> None:
    """AT-C7: stalled before the first token, with a prompt of 12,000 tokens."""
    from tiny_gguf import write

    path = write(tmp_path / "long.gguf", width=256, layers=3, heads=4, context=16384)
    with Hub(config(path, context_window=16384, parallel=1)) as hub:
        text = hub.text("a")
        text.generate("hi", max_output_tokens=1)
        started = time.monotonic()
        with pytest.raises((TimedOut, StreamBroken)):
            text.stream("~" * 12000, max_output_tokens=5, timeouts=Timeouts(first_token=0.3)).collect()
        assert time.monotonic() - started < 1.5
    unload()
