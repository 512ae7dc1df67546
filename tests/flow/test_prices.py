"""What an answer cost, from the configuration to the response, for every way in which a price may be given."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modelhub import ConfigError, Hub
from modelhub.testing import FaultServer, Reply

pytest.importorskip("modelhub_openai", reason="the plugin is not installed: pip install -e plugins/openai")

ANSWER = {
    "model": "gpt-4o-2024-11-20",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "東京"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 2_006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1_920}},
}
RATES = {"input": "2.50", "cached_input": "1.25", "output": "10"}


def asked(config: dict[str, Any], name: str) -> Any:
    with FaultServer(Reply(json=ANSWER)) as server:
        account = {"uses": "openai", "base_url": f"{server.url}/v1", "api_key": "sk-0123456789"}
        with Hub({"providers": {"mine": account}, **config}) as hub:
            return hub.text(name).generate("首都は？")


def test_a_deployment_costs_what_the_configuration_says_that_it_costs() -> None:
    """AT-G1: the price of a name that says nothing of the model behind it."""
    response = asked({"prices": {"mine:my-deployment": RATES}}, "mine:my-deployment")
    assert response.cost == Decimal("0.005615")
    assert response.unpriced is None


def test_the_nearest_price_holds_and_is_taken_whole() -> None:
    models = {
        "cheap": {"model": "mine:gpt-4o", "price": {"input": 1, "output": 1}},
        "same": {"model": "cheap"},
        "dear": {"model": "cheap", "price": {"input": "100"}},
    }
    config = {"prices": {"mine:gpt-4o": RATES}, "models": models}
    assert asked(config, "mine:gpt-4o").cost == Decimal("0.005615")
    assert asked(config, "cheap").cost == asked(config, "same").cost == Decimal("0.002306")
    assert asked(config, "dear").cost is None
    assert asked(config, "dear").unpriced == "No price is known for output tokens."


def test_without_a_price_there_is_a_reason_and_never_a_zero() -> None:
    response = asked({}, "mine:gpt-4o")
    assert response.cost is None
    assert response.unpriced == "No price is known for this model."


@pytest.mark.parametrize("price", [{"input": "2,50"}, {"input": -1}, {"inputs": "1"}, {"input": "NaN"}])
def test_a_price_that_is_none_is_told_with_its_place(price: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"prices\.\"?mine:m"):
        asked({"prices": {"mine:m": price}}, "mine:m")
    with pytest.raises(ConfigError, match=r"models\.\"?安い\"?\.price"):
        Hub({"models": {"安い": {"model": "mine:m", "price": price}}})


def test_a_day_without_quotes_is_told_how_to_be_written(tmp_path: Path) -> None:
    file = tmp_path / "modelhub.toml"
    file.write_text('[prices."mine:m"]\ninput = 2.5\nas_of = 2026-11-24\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r'as_of: expected a string.*, got a date\. Put it in quotes: "2026-11-24"\.'):
        Hub(file)
