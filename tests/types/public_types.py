"""AT-R: what a type checker sees through the doors. Checked by mypy --strict and pyright --strict; never run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import modelhub
from modelhub import AsyncHub, Hub, TextResponse, ToolRun
from modelhub.interfaces.events import TextEvent


@dataclass
class City:
    """A structured answer."""

    name: str


def blocking(hub: Hub) -> None:
    """The blocking door."""
    client = hub.text("assistant")
    assert_type(client.generate("?"), TextResponse[None])
    assert_type(client.generate("?", output_type=City), TextResponse[City])
    assert_type(client.generate("?", output_type=City).output, City)
    assert_type(client.generate("?", output_type={"type": "object"}).output, Any)
    assert_type(client.generate("?", temperature=0.2).text, str)
    assert_type(client.run_tools("?", tools=[repr]), ToolRun[None])
    assert_type(client.run_tools("?", tools=[repr], output_type=City).output, City)
    with client.stream("?") as events:
        for event in events:
            assert_type(event, TextEvent)
        assert_type(events.response, TextResponse[Any] | None)
    assert_type(hub.embedding("e").embed(["a"]).array(), NDArray[np.float32])
    assert_type(hub.image("i").generate("?", size=(1, 1)).bytes(), bytes)
    assert_type(hub.speech("s").speak("?").bytes(), bytes)
    assert_type(hub.transcription("t").transcribe("a.wav").text, str)
    assert_type(hub.reranking("r").rank("?", ["a"]).ranking, tuple[modelhub.Ranked, ...])
    assert_type(hub.index("d").search("?"), tuple[modelhub.Passage, ...])
    assert_type(hub.models(modelhub.Query(language="ja"), everywhere=True), modelhub.FoundModels)
    assert_type(hub.models("p")[0], modelhub.ModelCard)
    assert_type(hub.card("a"), modelhub.ModelCard)


async def awaited(hub: AsyncHub) -> None:
    """The asynchronous door mirrors it."""
    client = hub.text("assistant")
    assert_type(await client.generate("?"), TextResponse[None])
    assert_type(await client.generate("?", output_type=City), TextResponse[City])
    assert_type(await client.run_tools("?", tools=[modelhub.tool(repr)], output_type=City), ToolRun[City])
    async with client.stream("?") as events:
        async for event in events:
            assert_type(event, TextEvent)
    assert_type(await hub.embedding("e").embed(["a"]), modelhub.EmbeddingResponse)
    assert_type(await hub.index("d").search("?"), tuple[modelhub.Passage, ...])
    assert_type((await hub.models(provider="p"))[0], modelhub.ModelCard)


def deltas(hub: Hub) -> Iterator[str]:
    """A match over events narrows them."""
    for event in hub.text("assistant").stream("?"):
        match event:
            case modelhub.TextDelta(text):
                yield text
            case modelhub.Finished(response):
                assert_type(response, TextResponse[Any])
            case _:
                pass
