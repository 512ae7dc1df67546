"""How the tests ask models in this process: a configuration, one question in four ways, and a look at what is loaded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from modelhub import AsyncHub, Finished, Hub, TextDelta, TextResponse
from modelhub.plugin import engines

__all__ = ["Steps", "config", "environment", "eventually", "four_ways", "loaded", "unload"]

PATIENCE = 30.0


def config(path: str, **options: Any) -> dict[str, Any]:
    """The configuration of the model ``a``."""
    return {"models": {"a": {"model": f"huggingface:{path}"}}, "providers": {"huggingface": {"threads": 1, **options}}}


def four_ways(settings: dict[str, Any], prompt: Any, **options: Any) -> list[TextResponse[Any]]:
    """The answers whole and streamed, from either runtime; a stream's pieces are held against its response."""
    return [*_blocking(settings, prompt, options), *asyncio.run(_awaited(settings, prompt, options))]


def _blocking(settings: dict[str, Any], prompt: Any, options: dict[str, Any]) -> list[TextResponse[Any]]:
    with Hub(settings) as hub:
        model = hub.text("a")
        return [model.generate(prompt, **options), _joined(list(model.stream(prompt, **options)))]


async def _awaited(settings: dict[str, Any], prompt: Any, options: dict[str, Any]) -> list[TextResponse[Any]]:
    async with AsyncHub(settings) as hub:
        model = hub.text("a")
        whole = await model.generate(prompt, **options)
        return [whole, _joined([event async for event in model.stream(prompt, **options)])]


def _joined(events: list[Any]) -> TextResponse[Any]:
    *_, last = events
    assert isinstance(last, Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == last.response.text
    response: TextResponse[Any] = last.response
    return response


def loaded() -> Any:
    """The one engine that is loaded."""
    (entry,) = engines()._entries.values()
    return entry.engine


def unload() -> None:
    """Unload all, so that a test begins with none."""
    engines().close()


def environment() -> dict[str, str]:
    """For a process of its own, without the wish to hear of each file that any library opens without an encoding."""
    import os

    return {name: value for name, value in os.environ.items() if name != "PYTHONWARNDEFAULTENCODING"}


class Steps:
    """Counts how often a loaded network computes from now on, and for how many rows."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.widest = 0
        """The most tokens that were kept of a row before the last of these steps."""
        network = loaded().network
        self._cache = network._cache
        network.module.register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, module: Any, given: Any, named: dict[str, Any]) -> None:
        self.rows.append(len(named.get("input_ids", named.get("decoder_input_ids"))))
        self.widest = named[self._cache].get_seq_length()

    def settled(self) -> int:
        """How many steps are computed from now on, until none comes any more."""
        before, seen = len(self.rows), -1
        until = time.monotonic() + PATIENCE
        while seen != len(self.rows):
            seen = len(self.rows)
            time.sleep(0.2)
            assert time.monotonic() < until, "It goes on computing."
        return seen - before


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "It did not come to pass."
        time.sleep(0.01)
