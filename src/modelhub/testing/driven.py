"""One way to call a model in either runtime, so that a test is written once and run in both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from modelhub.transport.drive import drive, iterate

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator

    from modelhub.model import AnyModel, Request, Runtime

__all__ = ["MANNERS", "Driven", "Manner", "driven"]

Manner = Literal["blocking", "asynchronous"]
MANNERS: tuple[Manner, ...] = ("blocking", "asynchronous")


@dataclass(frozen=True, slots=True)
class Driven:
    """A runtime and the way to wait in it: ``call`` and ``stream`` give answers, never coroutines."""

    runtime: Runtime
    loop: asyncio.Runner | None = None
    """``None`` calls in the blocking manner, without an event loop."""

    def call(self, model: AnyModel, request: Request) -> Any:
        """The whole answer."""
        coroutine = model.call(request, self.runtime)
        return drive(coroutine) if self.loop is None else self.loop.run(coroutine)

    def stream(self, model: AnyModel, request: Request) -> list[Any]:
        """All events of a stream that is read to its end."""
        events = model.stream(request, self.runtime)
        return list(iterate(events)) if self.loop is None else self.loop.run(_read(events))

    def abandon(self, model: AnyModel, request: Request) -> Any:
        """The first event of a stream that is then left; it is closed on return."""
        events = model.stream(request, self.runtime)
        if self.loop is not None:
            return self.loop.run(_leave(events))
        steps = iterate(events)
        first = next(steps, None)
        steps.close()
        return first


@contextmanager
def driven(manner: Manner, runtime: Runtime | None = None) -> Iterator[Driven]:
    """A ``Driven`` with the real runtime of that manner, or with the one given."""
    if manner == "blocking":
        yield from _blocking(runtime)
    else:
        yield from _asynchronous(runtime)


def _blocking(given: Runtime | None) -> Iterator[Driven]:
    if given is not None:
        yield Driven(given)
        return
    from modelhub.transport.blocking import BlockingRuntime

    runtime = BlockingRuntime()
    try:
        yield Driven(runtime)
    finally:
        runtime.close()


def _asynchronous(given: Runtime | None) -> Iterator[Driven]:
    import asyncio

    with asyncio.Runner() as loop:
        if given is not None:
            yield Driven(given, loop)
            return
        from modelhub.transport.asynchronous import AsyncRuntime

        runtime = AsyncRuntime()
        try:
            yield Driven(runtime, loop)
        finally:
            loop.run(runtime.aclose())


async def _read(events: AsyncGenerator[Any, None]) -> list[Any]:
    return [event async for event in events]


async def _leave(events: AsyncGenerator[Any, None]) -> Any:
    first = await anext(events, None)
    await events.aclose()
    return first
