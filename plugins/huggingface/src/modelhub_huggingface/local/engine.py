"""A loaded model, and the one thread that computes with it: requests come one after another, in their order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from math import inf
from threading import Event
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from modelhub.plugin import Plan, ProviderDown, Request, Runtime, TimedOut, engines

__all__ = ["Part", "TorchEngine", "Wanted", "computed"]

T = TypeVar("T")
Given = ParamSpec("Given")
Part = TypeVar("Part")


class TorchEngine(Generic[Part]):
    """``part`` is what was loaded (a network with its tokenizer, a pipeline): only the engine's own thread touches it."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="modelhub-torch")

    def submit(self, work: Callable[Concatenate[Part, Given], T], *given: Given.args, **named: Given.kwargs) -> Future[T]:
        """Have ``work(part, ...)`` computed when its turn comes."""
        return self._turns.submit(work, self.part, *given, **named)

    def close(self) -> None:
        """Give the memory back, when what is being computed is done; what still waits for its turn is cancelled."""
        self._turns.shutdown(wait=True, cancel_futures=True)
        del self.part
        _give_back()

    def forget(self) -> None:
        """In a forked child nothing runs here; what is loaded stays the parent's until one of them writes to it."""


class Wanted:
    """Whether somebody still waits for an answer. Asked by the thread that computes, between two steps."""

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._until = now() + seconds if seconds != inf else inf
        self._now = now
        self._left = Event()

    def leave(self) -> None:
        """Nobody waits any more."""
        self._left.set()

    def __call__(self) -> bool:
        return not self._left.is_set() and (self._until == inf or self._now() < self._until)


async def computed(plan: Plan[TorchEngine[Part]], run: Callable[[Part, Wanted], T], request: Request, runtime: Runtime) -> T:
    """Load the model if need be, and have ``run(part, wanted)`` computed when its turn comes.

    Raises ``TimedOut`` when the request's ``total`` is over; whoever leaves stops it at its next step. ``run`` looks at
    ``wanted()`` between its steps and ends early, with anything, when that is no longer true.
    """
    seconds = inf if request.timeouts.total is None else request.timeouts.total
    started = runtime.now()
    wanted = Wanted(seconds, runtime.now)
    async with engines().lease(plan, runtime, request.timeouts) as engine:
        left = None if seconds == inf else max(seconds - (runtime.now() - started), 0.001)
        try:
            answer = await runtime.wait(engine.submit(run, wanted), left)
            in_time = wanted()
        except TimeoutError:
            raise _late(plan, seconds) from None
        except CancelledError:
            raise ProviderDown(f"{plan.name} was unloaded while it was asked.") from None
        finally:
            wanted.leave()
    if not in_time:
        raise _late(plan, seconds)
    return answer


def _late(plan: Plan[Any], seconds: float) -> TimedOut:
    return TimedOut(f"{plan.name} was not done within {seconds:g} s (the time-out `total`).", phase="total", seconds=seconds)


def _give_back() -> None:
    """Collect what holds itself in circles, as networks do, and return an accelerator's memory to it."""
    import gc

    import torch

    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
