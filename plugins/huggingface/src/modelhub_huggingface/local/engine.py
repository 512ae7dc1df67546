"""A loaded model, and the one thread that computes with it: requests come one after another, in their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from math import inf
from threading import Event
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from modelhub.plugin import Plan, ProviderDown, Request, Runtime, TimedOut, engines
from modelhub_huggingface.local.silence import be_silent
from modelhub_huggingface.local.watching import Left

__all__ = ["Part", "TorchEngine", "Turns", "Wanted", "computed", "held"]

T = TypeVar("T")
Given = ParamSpec("Given")
Part = TypeVar("Part")


class TorchEngine(Generic[Part]):
    """``part`` is what was loaded (a network with its tokenizer, a pipeline): only the engine's own thread touches it."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="modelhub-torch", initializer=be_silent)

    def submit(self, work: Callable[Concatenate[Part, Given], T], *given: Given.args, **named: Given.kwargs) -> Future[T]:
        """Have ``work(part, ...)`` computed when its turn comes."""
        try:
            return self._turns.submit(work, self.part, *given, **named)
        except (RuntimeError, AttributeError):  # it was closed between two turns
            raise CancelledError from None

    def close(self) -> None:
        """Give the memory back, when what is being computed is done; what still waits for its turn is cancelled."""
        self._turns.shutdown(wait=True, cancel_futures=True)
        del self.part
        give_back()

    def forget(self) -> None:
        """In a forked child nothing runs here; what is loaded stays the parent's until one of them writes to it."""


class Wanted:
    """Whether somebody still waits for an answer. Asked by the thread that computes, between two steps."""

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self.seconds = seconds
        self._until = now() + seconds if seconds != inf else inf
        self._now = now
        self._left = Event()

    def leave(self) -> None:
        """Nobody waits any more."""
        self._left.set()

    def __call__(self) -> bool:
        return not self._left.is_set() and (self._until == inf or self._now() < self._until)


class Turns(Generic[Part]):
    """An engine that is held for one request, and what is left of the request's time."""

    def __init__(self, plan: Plan[Any], engine: TorchEngine[Part], wanted: Wanted, runtime: Runtime, until: float) -> None:
        self._plan = plan
        self._engine = engine
        self._wanted = wanted
        self._runtime = runtime
        self._until = until

    async def take(self, run: Callable[[Part, Wanted], T]) -> T:
        """Have ``run(part, wanted)`` computed when its turn comes; between two turns come those of others.

        ``run`` looks at ``wanted()`` between its steps, or has a ``Watch`` look; no longer wanted, it ends early with anything,
        or with ``Left``.
        """
        left = None if self._until == inf else max(self._until - self._runtime.now(), 0.001)
        try:
            answer = await self._runtime.wait(self._engine.submit(run, self._wanted), left)
        except (TimeoutError, Left):
            raise _late(self._plan, self._wanted.seconds) from None
        except CancelledError:
            raise ProviderDown(f"{self._plan.name} was unloaded while it was asked.") from None
        if not self._wanted():
            raise _late(self._plan, self._wanted.seconds)
        return answer


@asynccontextmanager
async def held(plan: Plan[TorchEngine[Part]], request: Request, runtime: Runtime) -> AsyncIterator[Turns[Part]]:
    """Load the model if need be, and keep it for as many turns as the request takes.

    Raises ``TimedOut`` when the request's ``total`` is over; whoever leaves stops what is being computed at its next step.
    """
    seconds = inf if request.timeouts.total is None else request.timeouts.total
    until = runtime.now() + seconds
    wanted = Wanted(seconds, runtime.now)
    async with engines().lease(plan, runtime, request.timeouts) as engine:
        try:
            yield Turns(plan, engine, wanted, runtime, until)
        finally:
            wanted.leave()


async def computed(plan: Plan[TorchEngine[Part]], run: Callable[[Part, Wanted], T], request: Request, runtime: Runtime) -> T:
    """Load the model if need be, and have ``run(part, wanted)`` computed when its turn comes.

    Raises as ``held``; of ``run``, see ``Turns.take``.
    """
    async with held(plan, request, runtime) as turns:
        return await turns.take(run)


def _late(plan: Plan[Any], seconds: float) -> TimedOut:
    return TimedOut(f"{plan.name} was not done within {seconds:g} s (the time-out `total`).", phase="total", seconds=seconds)


def give_back() -> None:
    """Collect what holds itself in circles, as networks do, and return an accelerator's memory to it."""
    import gc

    import torch

    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
