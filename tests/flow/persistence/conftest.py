"""A hub in either manner over a plugin that has a model of every kind, and a server that answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelhub import AsyncHub, Hub
from modelhub.testing.conformance.samples import sound
from modelhub.testing.server import FaultServer, Reply, sse

SITE = Path(__file__).parent / "installed"
ASKS: Mapping[str, Callable[..., Any]] = {
    "text": lambda client, **options: client.generate("東京の天気は？", **options),
    "embedding": lambda client, **options: client.embed(["東京"], **options),
    "image": lambda client, **options: client.generate("灯台", **options),
    "speech": lambda client, **options: client.speak("こんにちは", **options),
    "transcription": lambda client, **options: client.transcribe(sound(), **options),
    "reranking": lambda client, **options: client.rank("東京", ["京都", "大阪"], **options),
}
STREAMS: Mapping[str, Callable[..., Any]] = {
    "text": lambda client, **options: client.stream("東京の天気は？", **options),
    "speech": lambda client, **options: client.stream("こんにちは", **options),
}


@dataclass
class Asked:
    """Asks a hub in its own manner, blocking or awaited, and gives what comes back."""

    server: FaultServer
    manner: str
    stack: ExitStack
    loop: asyncio.Runner | None = None

    def hub(self, models: Mapping[str, Any], **tables: Any) -> Any:
        """A hub whose provider is the test's server."""
        config = {"models": models, "providers": {"parrot": {"url": self.server.url}}, **tables}
        return self.opened(config)

    def opened(self, config: Any) -> Any:
        if self.loop is None:
            return self.stack.enter_context(Hub(config))
        hub = AsyncHub(config)
        self.stack.callback(lambda: self.run(hub.aclose()))
        return hub

    def run(self, awaitable: Any) -> Any:
        """What an awaitable gives; anything else is given back."""
        if self.loop is None:
            return awaitable

        async def whole() -> Any:
            return await awaitable

        return self.loop.run(whole())

    def ask(self, hub: Any, name: str, kind: str = "text", **options: Any) -> Any:
        """The whole answer."""
        return self.run(ASKS[kind](getattr(hub, kind)(name), **options))

    def stream(self, hub: Any, name: str, kind: str = "text", **options: Any) -> Any:
        """The whole answer of a stream that is read to its end."""
        return self.run(STREAMS[kind](getattr(hub, kind)(name), **options).collect())

    def paths(self) -> list[str]:
        """Which models were asked, in order."""
        return [request.path.removeprefix("/") for request in self.server.requests]


@pytest.fixture(params=["blocking", "asynchronous"])
def asked(request: Any, fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.syspath_prepend(str(SITE))
    monkeypatch.delenv("MODELHUB_RETRIES", raising=False)
    with ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner()) if request.param == "asynchronous" else None
        yield Asked(fault_server, request.param, stack, loop)


@pytest.fixture
def soon() -> dict[str, str]:
    """The header of a server that wants to be asked again in a millisecond."""
    return {"retry-after-ms": "1"}


@pytest.fixture
def said() -> Callable[..., Reply]:
    """What a model says, at once or as a stream, whichever it was asked for."""

    def reply(text: str, *, stream: bool = False) -> Reply:
        if not stream:
            return Reply(json={"text": text})
        return Reply(headers={"content-type": "text/event-stream"}, chunks=sse([*text, "[DONE]"]))

    return reply
