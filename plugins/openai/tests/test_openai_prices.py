"""The price list: dated, and of exactly the models it names."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import modelhub_openai
import pytest
from modelhub_openai.known import card
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.prices import listed_price
from modelhub_openai.site import host

ROWS = json.loads((Path(modelhub_openai.__file__).parent / "models" / "prices.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("model", ROWS["models"])
def test_every_row_is_a_price_with_its_day_and_source(model: str) -> None:
    price = listed_price(model)
    assert price is not None
    assert date.fromisoformat(price.as_of)
    assert price.source
    assert any((price.input, price.minute, price.characters, price.images))


def test_a_dated_version_costs_what_its_model_costs() -> None:
    assert listed_price("gpt-4o-2024-11-20") == listed_price("gpt-4o")
    assert listed_price("gpt-4o").input == Decimal("2.50")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "model", ["gpt-4o-audio-preview", "gpt-4o-realtime-preview-2024-12-17", "gpt-4", "o1-pro", "私のモデル", ""]
)
def test_a_likeness_is_no_price(model: str) -> None:
    """AT-G1: an unknown price is ``None``."""
    assert listed_price(model) is None


def test_the_list_holds_for_the_vendor_itself_and_for_no_gateway() -> None:
    theirs, gateway = host(OpenAIOptions()), host(OpenAIOptions(base_url="https://gateway.example/v1"))
    assert card(theirs, "gpt-4o", "text").price == listed_price("gpt-4o")
    assert card(gateway, "gpt-4o", "text").price is None
