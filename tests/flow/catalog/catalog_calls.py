"""What the depot and the counter hold, and the ways to ask for it: either hub, and the command line."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelhub import AsyncHub, Hub
from modelhub.cli.shell import run
from modelhub.cli.streams import Streams
from modelhub.testing import Reply

__all__ = ["BART", "SITE", "Called", "Manner", "answers"]

SITE = Path(__file__).parent / "installed"
BART = {
    "model": "depot:facebook/bart-large-cnn",
    "kind": "text",
    "title": "BART 要約",
    "task": "summarization",
    "family": "encoder-decoder",
    "licence": "apache-2.0",
    "languages": ["en", "ja"],
    "open_weights": True,
    "fine_tunable": True,
    "gated": False,
    "local": False,
    "data": "depot.example",
    "library": "transformers",
    "context_window": 1024,
    "parameters": 406290432,
    "downloads": 3_000_000,
    "datasets": ["cnn_dailymail"],
    "url": "https://depot.example/facebook/bart-large-cnn",
}
T5 = {
    **BART,
    "model": "depot:google-t5/t5-small",
    "title": "T5",
    "licence": None,
    "downloads": 5_000_000,
    "parameters": 60506624,
}
GPT = {**BART, "model": "depot:openai-community/gpt2", "title": "GPT-2", "task": "text-generation", "family": "decoder"}
COUNTED = {"model": "counter:special", "kind": "text", "title": "本日のおすすめ", "licence": "Apache-2.0", "local": False}


def answers(request: Any) -> Reply:
    """What the depot and the counter say."""
    path = request.path.partition("?")[0]
    if path == "/search":
        return Reply(json=[T5, BART, GPT])
    if path == "/models":
        return Reply(json=[COUNTED])
    if path == "/models/facebook/bart-large-cnn":
        return Reply(json={**BART, "base_model": ["facebook/bart-large"], "revision": "abc"})
    return Reply(404)


@dataclass
class Manner:
    """A hub, blocking or awaited: ``ask`` gives what its method gives."""

    awaited: bool
    config: dict[str, Any] = field(default_factory=dict)

    def ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        if not self.awaited:
            with Hub(self.config) as hub:
                return getattr(hub, name)(*arguments, **named)

        async def asked() -> Any:
            async with AsyncHub(self.config) as hub:
                return await getattr(hub, name)(*arguments, **named)

        return asyncio.run(asked())


class Called:
    """A command, as a shell runs it."""

    def __init__(self, *words: str) -> None:
        streams = Streams(None, io.StringIO(), io.StringIO())
        self.code = run(words, streams)
        self.out: str = streams.stdout.getvalue()  # type: ignore[attr-defined]
        self.err: str = streams.stderr.getvalue()  # type: ignore[attr-defined]

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)
