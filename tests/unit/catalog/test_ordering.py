"""Orders of cards: the most useful first, the unknown last."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modelhub.catalog.ordering import ordered
from modelhub.model import ModelCard
from modelhub.price import Price


def card(name: str, **more: Any) -> ModelCard:
    return ModelCard(model=name, kind="text", **more)


@pytest.mark.parametrize(
    ("order", "first", "second"),
    [
        ("name", card("A:b"), card("b:a")),
        ("downloads", card("b", downloads=9), card("a", downloads=0)),
        ("likes", card("b", likes=9), card("a", likes=8)),
        ("updated", card("b", updated="2026-02-01T10:00:00Z"), card("a", updated="2026-01-31")),
        ("parameters", card("b", parameters=1), card("a", parameters=2)),
        ("context", card("b", context_window=2), card("a", context_window=1)),
        ("price", card("b", price=Price(output=Decimal(0))), card("a", price=Price(output=Decimal(1)))),
    ],
)
def test_each_order_has_its_first(order: Any, first: ModelCard, second: ModelCard) -> None:
    assert ordered([second, first], order) == ordered([first, second], order) == [first, second]


@pytest.mark.parametrize("order", ["downloads", "likes", "updated", "parameters", "context", "price"])
def test_what_is_unknown_comes_last_and_as_it_came(order: Any) -> None:
    known = card("known", downloads=1, likes=1, updated="2026", parameters=1, context_window=1, price=Price(output=Decimal(9)))
    given = [card("灯台"), known, card("a")]
    assert [one.model for one in ordered(given, order)] == ["known", "灯台", "a"]
    assert ordered(given, None) == given
