"""Cards for a person: a sheet in which nothing is invented, and rows in which nothing is empty."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modelhub.cli.model_rows import card_table, count
from modelhub.cli.sheet import sheet
from modelhub.model import Metric, ModelCard
from modelhub.price import Price


def told(**more: Any) -> dict[str, str]:
    """The sheet's axes; what follows a line without a name belongs to the one above."""
    found: dict[str, str] = {}
    name = ""
    for line in sheet(ModelCard(**{"model": "a:b", "kind": "text", **more})):
        if line.startswith("  "):
            left, _, value = line[2:].partition("  ") if not line.startswith("   ") else ("", "", line)
            name = left.strip() or name
            found[name] = f"{found[name]} / {value.strip()}" if name in found else value.strip()
    return found


def test_what_is_unknown_is_called_unknown() -> None:
    axes = told()
    known = {"kind": "text", "takes": "text", "gives": "text"}
    assert {name: value for name, value in axes.items() if value != "unknown"} == known
    assert axes.keys() >= {
        "task", "family", "languages", "weights", "runs", "data goes to", "licence", "gated", "fine-tunable", "price",
        "context", "parameters", "size", "memory", "base model", "trained on", "reported", "downloads",
    }  # fmt: skip


def test_results_are_called_their_makers() -> None:
    metrics = (Metric(name="ROUGE-L", value=31.456, dataset="xsum", task="summarization"), Metric(name="BLEU", value="12 ± 1"))
    reported = told(metrics=metrics)["reported"]
    assert reported == "by its makers, and not checked here: ROUGE-L 31.46 on xsum (summarization) / BLEU 12 ± 1"


def test_a_price_says_for_what_and_as_of_when() -> None:
    price = Price(input=Decimal("0.15"), output=Decimal("0.60"), as_of="2026-06-21")
    assert told(price=price)["price"] == "$0.15 in, $0.60 out per million tokens (as of 2026-06-21)"
    assert told(kind="transcription", price=Price(minute=Decimal("0.006")))["price"] == "$0.006 a minute"
    assert told(kind="image", price=Price(images={"hd 1x1": Decimal("0.08")}))["price"] == "$0.08 an image"
    assert told(price=Price())["price"] == "unknown"


def test_each_answer_has_its_words() -> None:
    axes = told(
        family="encoder-decoder",
        open_weights=False,
        local=False,
        gated=True,
        fine_tunable=False,
        settings=frozenset(),
        capabilities={"tools": True, "images": False},
        description="長い説明。" * 30,
        limits={"batch_tokens": 300000},
    )
    assert (axes["family"], axes["weights"], axes["runs"]) == ("encoder and decoder", "proprietary", "as a service")
    assert axes["gated"] == "yes: its files are for those who accept its terms"
    assert (axes["fine-tunable"], axes["settings"], axes["can"], axes["cannot"]) == ("no", "none", "tools", "images")
    assert axes["most batch tokens"] == "300,000"


def test_a_kind_without_a_window_has_no_line_for_one() -> None:
    assert "context" not in told(kind="image")
    assert told(kind="embedding", dimensions=384)["dimensions"] == "384"


def test_a_column_in_which_nothing_is_known_is_left_out() -> None:
    cards = [
        ModelCard(model="a:要約", kind="text", task="summarization", parameters=406_290_432, downloads=12_345, title="要約"),
        ModelCard(model="a:b", kind="text", task="text-generation", title="B"),
    ]
    assert card_table(cards) == [
        "a:要約  text  summarization  406M  12.3k downloads  要約",
        "a:b     text                                        B",
    ]
    assert card_table([]) == []


@pytest.mark.parametrize(("number", "words"), [(7, "7"), (1500, "1.5k"), (7_241_732_096, "7.24B"), (2 * 10**12, "2T")])
def test_large_numbers_are_short(number: int, words: str) -> None:
    assert count(number) == words


def test_a_card_that_strangers_wrote_says_nothing_to_the_terminal() -> None:
    escape = "\x1b]0;mine\x07\x9b2J"
    card = ModelCard(model="a:b", kind="text", title=f"灯台{escape}", description=f"It shines.{escape}", licence=f"mit{escape}")
    lines = [*sheet(card), *card_table([card])]
    assert not any(letter in "".join(lines) for letter in "\x1b\x07\x9b")
    assert lines[0] == "a:b  灯台]0;mine2J"
