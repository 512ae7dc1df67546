"""Aliases of models on the hub, as the catalog lists them: of the kind that is known, and without anybody being asked."""

from __future__ import annotations

from typing import Any

from hub_room import config
from hub_shelf import BERT
from scripted_hub import ScriptedHub

import modelhub

VECTORS = "sentence-transformers/all-MiniLM-L6-v2"


def aliases(hub: ScriptedHub, **models: str) -> dict[str, Any]:
    return {**config(hub.url), "models": {name: {"model": f"huggingface:{model}"} for name, model in models.items()}}


def kinds(hub: modelhub.Hub) -> dict[str, tuple[str, str | None]]:
    return {card.model: (card.kind, card.task) for card in hub.models() if ":" not in card.model}


def test_a_model_of_which_nothing_is_known_is_taken_for_the_first_kind(hub: ScriptedHub) -> None:
    """A model that may be anything is for text, and no task is made up for it."""
    with modelhub.Hub(aliases(hub, assistant="openai/gpt-oss-20b")) as room:
        assert kinds(room) == {"assistant": ("text", None)}
        assert "assistant" in [card.model for card in room.models(modelhub.Query(kind="text"))]
    assert hub.server.requests == []


def test_a_card_that_is_kept_tells_the_kind(hub: ScriptedHub) -> None:
    named = aliases(hub, vectors=VECTORS, filler=BERT.id, heard="openai/whisper-small", painter="runwayml/none")
    with modelhub.Hub(named) as room:
        for name in ("vectors", "filler", "heard"):
            room.card(name)
        asked = len(hub.server.requests)
    with modelhub.Hub(named) as room:
        assert kinds(room) == {
            "vectors": ("embedding", "sentence-similarity"),
            "filler": ("text", "fill-mask"),
            "heard": ("transcription", "automatic-speech-recognition"),
            "painter": ("text", None),
        }
    assert len(hub.server.requests) == asked


def test_a_task_that_the_options_name_tells_the_kind(hub: ScriptedHub) -> None:
    said = aliases(hub, painter="some/painter")
    said["providers"]["huggingface"]["task"] = "text-to-image"
    with modelhub.Hub(said) as room:
        assert kinds(room) == {"painter": ("image", "text-to-image")}
