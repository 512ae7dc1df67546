"""Whether one more engine fits, and which of those that nobody uses make room for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modelhub.engines.loaded import Loaded
from modelhub.engines.memory import shown
from modelhub.engines.plan import Plan
from modelhub.errors import NotEnoughMemory, ProviderError, RateLimited, SetupError

__all__ = ["make_room"]


def make_room(
    plan: Plan[Any],
    loaded: Callable[[], Sequence[Loaded]],
    unload: Callable[[Loaded], object],
    available: Callable[[], int | None],
) -> None:
    """Unload what has been idle for longest until the plan fits. Raises ``NotEnoughMemory`` where it does
    not fit, ``RateLimited`` where as many as may be loaded are in use.

    ``loaded`` gives what stands now, ``unload`` ends one of them unless somebody has come
    meanwhile, ``available`` tells the machine's memory.
    """
    while (lack := _lack(plan, loaded(), available)) is not None:
        idle = [other for other in loaded() if other.is_idle]
        if not idle:
            raise lack
        unload(min(idle, key=lambda other: other.idle_since))


def _lack(plan: Plan[Any], others: Sequence[Loaded], available: Callable[[], int | None]) -> ProviderError | SetupError | None:
    """Why it does not fit beside the others, or nothing."""
    if plan.max_loaded is not None and len(others) >= plan.max_loaded:
        provider, _, model = plan.name.partition(":")
        told = f"{plan.name} cannot be loaded: max_loaded is {plan.max_loaded}, and {_busy(others)}."
        return RateLimited(f"{told} Ask again later, or raise it.", status=429, provider=provider, model=model)
    if plan.memory is None:
        return None
    taken = sum(other.plan.memory or 0 for other in others)
    free = plan.memory_limit - taken if plan.memory_limit is not None else available()
    if free is None or plan.memory <= free:
        return None
    whole = f" of {shown(plan.memory_limit)}" if plan.memory_limit is not None and taken else ""
    limit = f"{whole} (memory_limit)" if plan.memory_limit is not None else ""
    told = f"{plan.name} needs {shown(plan.memory)} of memory; available: {shown(max(0, free))}{limit}"
    message = f"{told}{f', while {_busy(others)}' if others else ''}. {plan.less_memory}".rstrip()
    error = NotEnoughMemory(message, needed=plan.memory, available=max(0, free), limit=plan.memory_limit)
    error.retryable = plan.memory <= free + taken
    return error


def _busy(others: Sequence[Loaded]) -> str:
    return f"{', '.join(other.plan.name for other in others)} {'is' if len(others) == 1 else 'are'} in use"
