"""Several cards of one model as one: what the first does not know is taken from those behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from modelhub.model import ModelCard

__all__ = ["filled", "merged"]

_UNKNOWN: tuple[object, ...] = (None, "", ())


def filled(card: ModelCard, other: ModelCard) -> ModelCard:
    """The card, with what ``other`` knows beside; nothing of a card of another kind."""
    if card.kind != other.kind:
        return card
    changes: dict[str, Any] = {
        field.name: getattr(other, field.name) for field in fields(card) if getattr(card, field.name) in _UNKNOWN
    }
    for name in ("capabilities", "limits"):
        changes[name] = {**getattr(other, name), **getattr(card, name)}
    return replace(card, **changes)


def merged(cards: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    """One card a model, in the order in which they came first; two, where it runs here and elsewhere."""
    found: dict[str, list[ModelCard]] = {}
    for card in cards:
        ways = found.setdefault(card.model, [])
        same = [place for place, way in enumerate(ways) if way.local == card.local or None in (way.local, card.local)]
        if same:
            ways[same[0]] = filled(ways[same[0]], card)
        else:
            ways.append(card)
    return tuple(way for ways in found.values() for way in ways)
