"""How the tests ask: a configuration, a server in a process of its own, and one question in four ways."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelhub import AsyncHub, Finished, Hub, TextDelta, TextResponse

__all__ = ["config", "four_ways", "grammar", "saying", "serving"]


def config(path: str, **options: Any) -> dict[str, Any]:
    """The configuration of the model ``a``, run in this process."""
    return {"models": {"a": {"model": f"llama:{path}"}}, "providers": {"llama": {"threads": 1, **options}}}


@contextmanager
def serving(path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """The same, run by llama.cpp's server in a process of its own."""
    command = [sys.executable, str(Path(__file__).parent / "llama_server.py"), path]
    command += [f"{name}={value}" for name, value in parameters.items()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address, "llama.cpp's server did not start."
        try:
            yield {"models": {"a": {"model": "llama:tiny"}}, "providers": {"llama": {"base_url": f"{address}/v1"}}}
        finally:
            server.kill()


def grammar(text: str) -> str:
    """A grammar that allows this text alone."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'root ::= "{escaped}"'


def saying(text: str) -> dict[str, Any]:
    """``extra`` that lets the model say nothing else."""
    return {"llama": {"grammar": grammar(text)}}


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
