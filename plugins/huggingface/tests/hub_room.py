"""The ways in which a test asks for cards: through either hub, in a configuration that means the scripted hub."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

import modelhub
from modelhub.model import ModelCard
from modelhub.plugin import Query

__all__ = ["Asker", "asker", "both_manners", "config"]

both_manners = pytest.mark.parametrize("manner", ["blocking", "asynchronous"])


@dataclass(frozen=True)
class Asker:
    """A hub whose methods give answers, never coroutines."""

    hub: Any
    loop: asyncio.Runner | None = None

    def card(self, name: str) -> ModelCard:
        found: ModelCard = self._waited(self.hub.card(name))
        return found

    def models(self, query: Query) -> Any:
        return self._waited(self.hub.models(query, provider="huggingface"))

    def names(self, **query: Any) -> list[str]:
        """The names of the models that are found, without the provider's."""
        return [card.model.removeprefix("huggingface:") for card in self.models(Query(**query))]

    def _waited(self, answer: Any) -> Any:
        return answer if self.loop is None else self.loop.run(answer)


def config(url: str, **options: Any) -> dict[str, Any]:
    """The configuration of a hub at that address."""
    return {"providers": {"huggingface": {"hub_url": url, **options}}}


@contextmanager
def asker(manner: str, url: str, **options: Any) -> Iterator[Asker]:
    """A hub of that manner, with the options of ``[providers.huggingface]``."""
    if manner == "blocking":
        with modelhub.Hub(config(url, **options)) as hub:
            yield Asker(hub)
        return
    with asyncio.Runner() as loop:
        hub = modelhub.AsyncHub(config(url, **options))
        try:
            yield Asker(hub, loop)
        finally:
            loop.run(hub.aclose())
