"""Cards in the order that is asked for; those on which it is unknown come last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelhub.catalog import axes
from modelhub.catalog.query import Order
from modelhub.model import ModelCard

__all__ = ["ordered"]


def ordered(cards: Iterable[ModelCard], order: Order | None) -> list[ModelCard]:
    """The cards by that axis; those that are alike stay as they came."""
    if order is None:
        return list(cards)
    read, reverse = _AXES[order]
    given = list(cards)
    known = [card for card in given if read(card) is not None]
    return [*sorted(known, key=read, reverse=reverse), *(card for card in given if read(card) is None)]


_AXES: Mapping[Order, tuple[Callable[[ModelCard], Any], bool]] = {
    "name": (lambda card: card.model.casefold(), False),
    "downloads": (lambda card: card.downloads, True),
    "likes": (lambda card: card.likes, True),
    "updated": (lambda card: card.updated, True),
    "parameters": (lambda card: card.parameters, False),
    "context": (axes.context, True),
    "price": (axes.price, False),
}
"""What is compared, and whether the greatest comes first."""
