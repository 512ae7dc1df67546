"""AT-C5, AT-C7, AT-K: whoever leaves frees the row within two tokens, in either runtime, and whatever the way he leaves by."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from local_asking import Steps, config, eventually, loaded, unload

from modelhub import AsyncHub, Hub, NotEnoughMemory, ProviderError, StreamBroken, TimedOut, Timeouts
from modelhub.plugin import engines

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

ENDLESS: dict[str, Any] = {"max_output_tokens": 4000, "extra": {"huggingface": {"min_new_tokens": 4000}}}
"""An answer that takes a minute."""
SLOW: dict[str, Any] = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 8, "max_position_embeddings": 8192}
"""A model that takes some milliseconds for a token."""


@pytest.fixture(scope="module")
def slow(tiny: Callable[..., str]) -> Iterator[dict[str, Any]]:
    unload()
    yield config(tiny("llama", **SLOW), prompt="plain")
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
    with pytest.raises(StreamBroken) as caught:
        stream.collect()
    assert caught.value.partial is None or caught.value.partial.text  # None where it is closed between two events


def by_time_out_of_a_call(text: Any) -> None:
    with pytest.raises(TimedOut, match="`total`"):
        text.generate("東京は", **ENDLESS, timeouts=Timeouts(total=0.5))


def by_time_out_of_a_stream(text: Any) -> None:
    with pytest.raises(StreamBroken) as caught:
        text.stream("東京は", **ENDLESS, timeouts=Timeouts(total=0.5)).collect()
    assert isinstance(caught.value.__cause__, TimedOut)
    assert caught.value.partial.text


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
def test_a_caller_who_leaves_stops_decoding_within_two_tokens(slow: dict[str, Any], leave: Callable[[Any], None]) -> None:
    with Hub(slow) as hub:
        text = hub.text("a")
        text.generate("hi", max_output_tokens=1)
        steps = Steps()
        leave(text)
        assert steps.settled() <= 2
        assert steps.rows
        assert users() == 0


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
    await asyncio.sleep(0.4)
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
def test_a_task_that_leaves_stops_decoding_within_two_tokens(
    slow: dict[str, Any], leave: Callable[[Any], Awaitable[None]]
) -> None:
    async def scene() -> None:
        async with AsyncHub(slow) as hub:
            text = hub.text("a")
            await text.generate("hi", max_output_tokens=1)
            steps = Steps()
            await leave(text)
            assert await asyncio.to_thread(steps.settled) <= 2
            assert steps.rows

    asyncio.run(scene())
    assert users() == 0


def users() -> int:
    return sum(entry.users for entry in engines()._entries.values())


def test_the_others_of_a_batch_go_on_when_one_leaves(slow: dict[str, Any]) -> None:
    """And theirs are the answers that they would have had without him."""

    async def scene() -> None:
        async with AsyncHub(slow) as hub:
            text = hub.text("a")
            expected = (await text.generate("雨が降る", max_output_tokens=40)).text
            steps = Steps()
            staying = asyncio.create_task(text.generate("雨が降る", max_output_tokens=40))
            leaving = [asyncio.create_task(text.generate(f"{'灯台' * n}", **ENDLESS)) for n in range(1, 4)]
            await asyncio.to_thread(eventually, lambda: 4 in steps.rows)
            for task in leaving:
                task.cancel()
            assert (await staying).text == expected
            assert steps.rows[-1] == 1

    asyncio.run(scene())


def test_a_hundred_who_leave_leave_nothing_behind(slow: dict[str, Any]) -> None:
    """AT-C5: repetitions leave 0 rows, 0 threads, 0 pending places."""
    with Hub(slow) as hub:
        text = hub.text("a")
        by_close(text)
        before = threading.active_count()
        for _ in range(100):
            by_close(text)
        assert Steps().settled() <= 2
        assert threading.active_count() <= before
    assert users() == 0


def test_what_is_left_while_it_waits_for_its_turn_is_forgotten(slow: dict[str, Any]) -> None:
    """AT-K: places of callers who left while they waited are free at once, and nothing is ever written for them."""
    settings = {**slow, "providers": {"huggingface": {"threads": 1, "prompt": "plain", "batch": 1, "queue": 4}}}

    async def scene() -> None:
        async with AsyncHub(settings) as hub:
            text = hub.text("a")
            await text.generate("hi", max_output_tokens=1)
            running = text.stream("東京は", **ENDLESS)
            await anext(running)
            for _ in range(3):  # three times as many as there are places
                waiting = [asyncio.create_task(text.generate("大阪は", **ENDLESS)) for _ in range(4)]
                await asyncio.sleep(0.1)
                assert users() == 5
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                assert users() == 1
            await running.aclose()
            started = time.monotonic()
            await text.generate("hi", max_output_tokens=1)
            assert time.monotonic() - started < 5

    asyncio.run(scene())
    unload()


def test_a_time_out_holds_while_a_request_waits_for_its_turn(slow: dict[str, Any]) -> None:
    """AT-C7: stalled in the queue."""
    settings = {**slow, "providers": {"huggingface": {"threads": 1, "prompt": "plain", "batch": 1}}}
    with Hub(settings) as hub:
        text = hub.text("a")
        with text.stream("東京は", **ENDLESS) as running:
            first(running)
            for phase in ("first_token", "total"):
                started = time.monotonic()
                with pytest.raises(TimedOut) as caught:
                    text.stream("大阪は", **ENDLESS, timeouts=Timeouts(**{phase: 0.3})).collect()
                assert (caught.value.phase, caught.value.seconds) == (phase, 0.3)
                assert 0.3 <= time.monotonic() - started < 1.5
            started = time.monotonic()
            with pytest.raises(TimedOut):
                text.generate("大阪は", **ENDLESS, timeouts=Timeouts(total=0.3))
            assert 0.3 <= time.monotonic() - started < 1.5
    unload()


def test_a_time_out_holds_while_a_prompt_is_taken_in(slow: dict[str, Any]) -> None:
    """AT-C7: stalled before the first token, with a prompt of thousands of tokens; what is left of it is not taken in."""
    with Hub(slow) as hub:
        text = hub.text("a")
        text.generate("hi", max_output_tokens=1)
        steps = Steps()
        started = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            text.stream("~" * 7000, max_output_tokens=5, timeouts=Timeouts(first_token=0.3)).collect()
        assert caught.value.phase == "first_token"
        assert time.monotonic() - started < 3
        steps.settled()
        assert len(steps.rows) < 7000 / 512, "Somebody who has left is not waited for."


def test_a_stream_that_is_slow_but_alive_is_not_ended(slow: dict[str, Any]) -> None:
    """AT-C7: each token begins the time-out ``idle`` anew, also one that is no text yet."""
    with Hub(slow) as hub:
        text = hub.text("a")
        text.generate("hi", max_output_tokens=1)
        network = loaded().network.module
        hook = network.register_forward_pre_hook(lambda *_: time.sleep(0.1))
        asked: dict[str, Any] = {"max_output_tokens": 16, "extra": {"huggingface": {"min_new_tokens": 16}}}
        answer = text.stream("東京は", **asked, timeouts=Timeouts(idle=0.6)).collect()
        hook.remove()
    assert answer.usage.output_tokens == 16


@pytest.mark.parametrize(("failure", "told"), [("CUDA out of memory", NotEnoughMemory), ("a layer broke", ProviderError)])
def test_what_fails_fails_those_who_are_being_answered_and_nobody_after_them(
    failure: str, told: type[Exception], slow: dict[str, Any]
) -> None:
    import torch

    class OutOfMemoryError(RuntimeError):
        """As torch's own."""

    def fail(*_: Any) -> None:
        raise (OutOfMemoryError if told is NotEnoughMemory else RuntimeError)(failure)

    async def scene() -> None:
        async with AsyncHub(slow) as hub:
            text = hub.text("a")
            await text.generate("hi", max_output_tokens=1)
            streams = [text.stream(f"{number}", **ENDLESS) for number in range(2)]
            for stream in streams:
                await anext(stream)
            hook: torch.utils.hooks.RemovableHandle = loaded().network.module.register_forward_pre_hook(fail)
            for stream in streams:
                with pytest.raises(StreamBroken) as caught:
                    await stream.collect()
                assert isinstance(caught.value.__cause__, told)
                assert caught.value.partial.text
            with pytest.raises(told):
                await text.generate("hi", max_output_tokens=1)
            hook.remove()
            assert (await text.generate("hi", max_output_tokens=1)).usage.output_tokens == 1

    asyncio.run(scene())
    assert users() == 0


def test_a_search_by_beams_ends_when_nobody_waits(tiny: Callable[..., str]) -> None:
    """What the library writes is stopped by the library, between two tokens."""
    unload()
    settings = config(tiny("llama", **SLOW), prompt="plain", arguments={"num_beams": 2, "min_new_tokens": 2000})
    with Hub(settings) as hub:
        text = hub.text("a")
        text.generate("hi", max_output_tokens=1, extra={"huggingface": {"num_beams": 1}})
        steps = Steps()
        with pytest.raises(TimedOut):
            text.generate("東京は", max_output_tokens=2000, timeouts=Timeouts(total=0.5))
        assert steps.settled() <= 2
        assert text.generate("hi", max_output_tokens=1, extra={"huggingface": {"min_new_tokens": 0}}).text is not None
