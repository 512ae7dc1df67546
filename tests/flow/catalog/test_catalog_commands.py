"""``modelhub models`` with filters, and ``modelhub card``: what is printed, told beside, and given as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from catalog_calls import SITE

from modelhub.testing import FaultServer

Call = Callable[..., Any]


def test_the_words_of_a_query_stand_on_the_command_line(call: Call, depot: FaultServer) -> None:
    words = (
        "--task summarization --licence apache-2.0 --search bart --language ja --family encoder-decoder --open --fine-tunable"
    )
    sizes = "--min-context 1k --max-parameters 0.5B --inputs text --outputs text --sort downloads --limit 20 --not-gated"
    more = "--architecture bart --service --kind text"
    done = call("models", *words.split(), *sizes.split(), "--library", "transformers", "--provider", "depot")
    assert done.code == 0, done.err
    assert done.out.startswith("depot:facebook/bart-large-cnn  text  summarization  406M  1024 tokens  apache-2.0  remote")
    assert done.out.endswith("3M downloads  BART 要約\n")
    assert "min_context=1000&max_parameters=500000000" in depot.requests[0].path
    assert call("models", *more.split(), "--provider", "depot").out == "", "the depot does not know architectures"


def test_what_is_left_out_as_unknown_is_told_beside(call: Call) -> None:
    done = call("models", "--provider", "depot", "--licence", "apache-2.0", "--limit", "1", "--sort", "name")
    assert done.out.startswith("depot:facebook/bart-large-cnn")
    assert done.err == ("modelhub: 2 more. Show them: --limit 3\nmodelhub: 1 left out, of which it is unknown: licence (1)\n")
    assert call("models", "--provider", "depot", "--licence", "apache-2.0", "--limit", "1", "--quiet").err == ""


def test_an_alias_is_found_like_a_model(call: Call) -> None:
    done = call("models", "--search", "要約")
    assert done.out.startswith("要約  text  900 tokens")


def test_json_tells_cards_and_what_is_missing(call: Call) -> None:
    found = call("models", "--everywhere", "--licence", "apache-2.0", "--json").json
    assert {card["model"] for card in found["models"]} >= {"counter:special", "depot:small"}
    assert found["left_out"] == 2
    assert found["unknown"] == {"licence": 2}
    assert found["failures"] == {"grumpy": "depot.search:broken failed: KeyError: '灯台'"}


def test_everywhere_names_who_could_not_be_asked(call: Call) -> None:
    done = call("models", "--everywhere", "--licence", "apache-2.0")
    assert done.code == 0
    assert "counter:special" in done.out
    assert "modelhub: not configured, and could not be asked: grumpy (--verbose says why)" in done.err
    assert "grumpy: depot.search:broken failed" in call("models", "--everywhere", "--kind", "text", "--verbose").err


def test_a_configured_server_that_is_away_is_told_with_the_reason(call: Call, depot: FaultServer) -> None:
    depot.close()
    done = call("models", "--everywhere", "--language", "ja")
    assert "depot:small" in done.out
    assert "modelhub: depot: Cannot connect to" in done.err
    assert call("models", "--provider", "depot").code == 1


def test_files_are_filtered_too(call: Call) -> None:
    assert call("models", "--local").out.startswith("depot:small  text")
    assert "small.depot" in call("models", "--local", "--licence", "apache-2.0").out
    nothing = call("models", "--local", "--licence", "mit")
    assert (nothing.out, "Fetch one: modelhub models pull" in nothing.err) == ("", True)
    assert call("models", "--local", "--json").json["models"][0]["title"] == "棚のモデル"


def test_nothing_found_says_where_else_to_look(call: Call) -> None:
    done = call("models", "--task", "summarization")
    assert (done.code, done.out) == (0, "")
    assert "Ask providers: modelhub models --everywhere, or --provider NAME" in done.err
    assert "modelhub: counter has no such model.\n" in call("models", "--provider", "counter", "--language", "ja").err
    assert "no such model is known anywhere" in call("models", "--everywhere", "--architecture", "灯台").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--task sumarization", "There is no task 'sumarization'. Did you mean 'summarization'?"),
        ("--kind txt", "kind has 'txt'; it can be text, embedding"),
        ("--family encodr", "Did you mean 'encoder'?"),
        ("--sort download", "Did you mean 'downloads'?"),
        ("--inputs text,picture", "inputs has 'picture'"),
        ("--language Japanese", "it must be a tag, like 'ja'"),
        ("--min-context many", "'many' is not a number; write it as 32000, 32k or 8.5B"),
        ("--limit 0", "limit is 0; it must be a whole number"),
        ("--open --proprietary", "not allowed with argument --open"),
        ("--licens mit", "There is no place for '--licens'. Did you mean '--licence'?"),
        ("--everywhere --local", "leave out --local and --provider, or --everywhere"),
    ],
)
def test_a_wrong_value_is_told_with_what_may_be_meant(call: Call, words: str, told: str) -> None:
    done = call("models", *words.split())
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_card_is_a_sheet_of_all_that_teams_choose_by(call: Call) -> None:
    done = call("card", "depot:facebook/bart-large-cnn")
    assert done.code == 0, done.err
    lines = dict(line.strip().split("  ", 1) for line in done.out.splitlines() if line.startswith("  "))
    told = {name: value.strip() for name, value in lines.items()}
    assert done.out.startswith("depot:facebook/bart-large-cnn  BART 要約\n")
    expected = {
        "kind": "text",
        "task": "summarization",
        "family": "encoder and decoder",
        "takes": "text",
        "gives": "text",
        "settings": "temperature",
        "languages": "en, ja",
        "weights": "open",
        "runs": "as a service",
        "data goes to": "depot.example",
        "licence": "apache-2.0",
        "gated": "no",
        "fine-tunable": "yes",
        "price": "unknown",
        "context": "1,024 tokens",
        "parameters": "406M (406,290,432)",
        "size": "unknown",
        "memory": "unknown",
        "base model": "facebook/bart-large",
        "trained on": "cnn_dailymail",
        "reported": "unknown",
        "downloads": "3,000,000 in the last month",
        "page": "https://depot.example/facebook/bart-large-cnn",
    }
    assert told | expected == told


def test_a_card_is_a_document_too(call: Call) -> None:
    card = call("card", "要約", "--json").json["card"]
    assert (card["model"], card["context_window"], card["inputs"], card["price"]) == ("要約", 900, ["text"], None)


def test_a_card_of_a_file(call: Call) -> None:
    text = call("card", "./棚/small.depot").out
    assert text.startswith("depot:./棚/small.depot  棚のモデル\n")
    assert "memory        needs about 1.0 GiB" in text


def test_a_server_that_could_not_be_asked_is_told_beside_the_card(call: Call, depot: FaultServer) -> None:
    depot.close()
    done = call("card", "counter:special")
    assert (done.code, done.out.startswith("counter:special\n")) == (0, True)
    assert "modelhub: Cannot connect to" in done.err
    missing = call("card", "depot:x")
    assert (missing.code, missing.out) == (1, "")


def test_the_bare_list_imports_no_plugin(tmp_path: Path) -> None:
    """AT-B1: the cards are read where they lie."""
    code = "import sys; from modelhub.cli import main; main(['models']); print('depot' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(SITE), *filter(None, sys.path))), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert "書かれたモデル" in done.stdout
    assert done.stdout.endswith("False\n")


def test_json_is_what_a_program_reads_again(call: Call) -> None:
    again = json.loads(call("models", "--json").out)
    assert [card["title"] for card in again["models"] if card["model"] == "depot:org/written"] == ["書かれたモデル"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--search bart summarise", "'summarise' is no action (add, pull, remove, cache); several search words go in quotes."),
        ("list", "'list' is no action (add, pull, remove, cache); several search words go in quotes."),
        ("pul x", "in quotes. Did you mean 'pull'? See: modelhub models --help"),
        ("--max-parameters 0.3", "'0.3' is less than one: is it 0.3B?"),
        ("--max-price abc", "'abc' is no amount of US dollars; write it as 0.5."),
        ("--provider=", "--provider: it is empty; write the name of a provider."),
    ],
)
def test_a_mistake_on_the_command_line_says_what_to_write(call: Call, words: str, told: str) -> None:
    done = call("models", *words.split())
    assert done.code == 2
    assert told in done.err
    assert call("config", "nonsense").err.startswith("modelhub: 'nonsense' is no action (")


def test_what_contradicts_itself_is_told(call: Call) -> None:
    done = call("models", "--local", "--service")
    assert (done.code, done.out) == (2, "")
    assert "leave one out" in done.err
    done = call("models", "--task", "fill-mask", "--kind", "image")
    assert (done.code, done.out) == (0, "")
    assert "fill-mask is a task of models for text, not for image" in done.err
    assert "models for embedding and reranking, not for" in call("models", "--task=sentence-similarity", "--kind=text").err
