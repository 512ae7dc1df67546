"""The models of this plugin, as ``modelhub_cards.json`` lists them for everyone who does not import it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelhub.plugin import Kind, ModelCard, UnknownModel, did_you_mean

__all__ = ["card", "cards"]


def cards() -> tuple[ModelCard, ...]:
    """All of them."""
    listed = json.loads((Path(__file__).parent / "modelhub_cards.json").read_text(encoding="utf-8"))
    return tuple(_card(entry) for entry in listed)


def card(kind: Kind, name: str) -> ModelCard:
    """The card of the model ``starter:name``. Raises ``UnknownModel`` saying which there are."""
    known = {found.model.partition(":")[2]: found for found in cards() if found.kind == kind}
    if name not in known:
        there = ", ".join(f"starter:{each}" for each in sorted(known))
        message = f"There is no {kind} model starter:{name}.{did_you_mean(name, sorted(known))} There is {there}."
        raise UnknownModel(message, provider="starter", model=name)
    return known[name]


def _card(entry: dict[str, Any]) -> ModelCard:
    plain = ModelCard(**entry)
    return replace(plain, settings=frozenset(plain.settings or ()), languages=tuple(plain.languages))
