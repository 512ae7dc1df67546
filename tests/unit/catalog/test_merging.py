"""Two cards of one model: what the first knows stays, what it does not know is taken."""

from __future__ import annotations

from dataclasses import replace

from modelhub.catalog.merging import filled, merged
from modelhub.model import ModelCard

FIRST = ModelCard(model="a:b", kind="text", title="灯台", capabilities={"tools": True}, limits={"images": 1}, gated=False)
SECOND = ModelCard(
    model="a:b",
    kind="text",
    title="lighthouse",
    licence="mit",
    languages=("ja",),
    capabilities={"tools": False, "images": True},
    limits={"images": 9, "characters": 2},
    gated=True,
    downloads=0,
)


def test_what_is_known_stays_and_what_is_not_is_filled() -> None:
    both = filled(FIRST, SECOND)
    assert (both.title, both.licence, both.languages, both.gated, both.downloads) == ("灯台", "mit", ("ja",), False, 0)
    assert both.capabilities == {"tools": True, "images": True}
    assert both.limits == {"images": 1, "characters": 2}


def test_what_is_no_is_known() -> None:
    assert filled(ModelCard(model="a:b", kind="text", downloads=0, settings=frozenset()), SECOND).downloads == 0
    assert filled(ModelCard(model="a:b", kind="text", settings=frozenset()), SECOND).settings == frozenset()


def test_a_card_of_another_kind_fills_nothing() -> None:
    assert filled(ModelCard(model="a:b", kind="embedding"), SECOND) == ModelCard(model="a:b", kind="embedding")


def test_each_model_has_one_card_in_the_order_they_came() -> None:
    other = ModelCard(model="a:a", kind="text")
    assert merged([FIRST, other, SECOND]) == (filled(FIRST, SECOND), other)


def test_a_model_that_runs_here_and_elsewhere_has_two_cards() -> None:
    here, there = replace(FIRST, local=True, memory_bytes=5), replace(SECOND, local=False)
    assert merged([here, there]) == (here, there)
    assert merged([here, there, replace(SECOND, local=True)])[0].licence == "mit"
    assert merged([SECOND, here]) == (filled(SECOND, here),), "who does not say where it runs speaks of either"
