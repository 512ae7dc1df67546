"""Run ``async def`` code without an event loop: the blocking runtime's calls never suspend, so one step is the whole way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["drive", "iterate"]

T = TypeVar("T")
_STRAY = (
    "A coroutine of the blocking runtime waited for something that is not its runtime. "
    "In wrappers and models, await only `self.inner` and `runtime`."
)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, in the calling thread. It may await nothing but a blocking runtime."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    coroutine.close()
    raise RuntimeError(_STRAY)


def iterate(events: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """The events one by one, in the calling thread. Left early, it closes the stream before it returns."""
    try:
        while True:
            step = events.__anext__().__await__()
            try:
                next(step)
            except StopIteration as given:
                event: T = given.value
            except StopAsyncIteration:
                return
            else:
                _end(step)
                raise RuntimeError(_STRAY)
            yield event
    finally:
        drive(_close(events))


def _end(step: Generator[Any, Any, Any]) -> None:
    """Let a step that waits for something that never comes clean up behind itself."""
    with suppress(GeneratorExit, StopIteration, StopAsyncIteration):
        step.throw(GeneratorExit())


async def _close(events: AsyncGenerator[Any, None]) -> None:
    await events.aclose()
