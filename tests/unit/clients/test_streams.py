"""Streams that are left, and not closed by whoever left them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from modelhub.clients.streams import AsyncStream
from modelhub.transport.asynchronous import AsyncRuntime

Closed = list[str]


async def sent(closed: Closed) -> AsyncGenerator[str, None]:
    """What comes from a provider, whose connection takes a moment to be given back."""
    try:
        while True:
            await asyncio.sleep(0)
            yield "灯台"
    finally:
        await asyncio.sleep(0.01)
        closed.append("connection")


async def wrapped(closed: Closed) -> AsyncGenerator[str, None]:
    async with aclosing(sent(closed)) as events:
        async for event in events:
            yield event


def test_a_stream_that_is_held_after_a_break_is_closed_with_its_runtime() -> None:
    """Left to the loop's end, the generators within each other would be closed all at once, and say so on standard error."""
    closed: Closed = []

    async def scene() -> Any:
        runtime = AsyncRuntime()
        stream: Any = AsyncStream(wrapped(closed), runtime)
        async for _ in stream:
            break
        assert closed == []
        await runtime.aclose()
        assert closed == ["connection"]
        return stream

    asyncio.run(scene())


def test_a_runtime_closes_no_stream_of_another_loop_and_keeps_none() -> None:
    closed: Closed = []
    runtime = AsyncRuntime()

    async def begin(stream: Any) -> None:
        await anext(stream)
        await stream.aclose()

    async def elsewhere() -> None:
        await runtime.aclose()

    stream: Any = AsyncStream(wrapped(closed), runtime)
    asyncio.run(begin(stream))
    asyncio.run(elsewhere())
    assert closed == ["connection"]
    del stream
    assert not any(runtime._streams.values())


def test_a_stream_that_is_being_read_holds_up_no_closing() -> None:
    closed: Closed = []

    async def scene() -> None:
        runtime = AsyncRuntime()
        stream: Any = AsyncStream(wrapped(closed), runtime)
        reading = asyncio.create_task(stream.collect())
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await runtime.aclose()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        assert closed == ["connection"]

    asyncio.run(scene())
