"""Run ``async def`` code without an event loop: the blocking runtime's calls never suspend, so one step is the whole way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator
from typing import Any, TypeVar

__all__ = ["drive", "iterate"]

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, in the calling thread. It may await nothing but a blocking runtime."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError(
        "A coroutine of the blocking runtime waited for something that is not its runtime. "
        "In wrappers and models, await only `self.inner` and `runtime`."
    )


def iterate(events: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """The events one by one, in the calling thread. Left early, it closes the stream before it returns."""
    try:
        while True:
            try:
                event = drive(_next(events))
            except StopAsyncIteration:
                return
            yield event
    finally:
        drive(_close(events))


async def _next(events: AsyncGenerator[T, None]) -> T:
    return await events.__anext__()


async def _close(events: AsyncGenerator[Any, None]) -> None:
    await events.aclose()
