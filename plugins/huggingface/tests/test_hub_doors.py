"""The hub of models at the command line: found, filtered and shown like any other source's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hub_shelf import BART
from scripted_hub import ScriptedHub

from modelhub.cli import main
from modelhub.testing import Reply


@pytest.fixture
def workplace(hub: ScriptedHub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration that means the scripted hub."""
    monkeypatch.chdir(home)
    written = f'[providers.huggingface]\nhub_url = "{hub.url}"\n[models.summariser]\nmodel = "huggingface:{BART.id}"\n'
    (home / "modelhub.toml").write_text(written, encoding="utf-8")
    return home


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert main(list(words)) == code
    told = capsys.readouterr()
    return told.out, told.err


def found(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    out, _ = run(capsys, "--json", "models", "--provider", "huggingface", *words)
    models: list[dict[str, Any]] = json.loads(out)["models"]
    return models


def test_a_summariser_is_found_by_task_licence_and_name(
    hub: ScriptedHub, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--provider", "huggingface", "--task", "summarization", "--licence", "mit", "--search", "bart")
    out, err = run(capsys, "models", *words)
    assert out.split()[0] == "huggingface:facebook/bart-large-cnn"
    assert len(out.splitlines()) == 1
    assert [card["model"] for card in found(capsys, *words[2:])] == ["huggingface:facebook/bart-large-cnn"]
    assert hub.searches()[0]["filter"] == ["license:mit"]
    assert "Traceback" not in err
    assert found(capsys, "--task", "summarization", "--licence", "apache-2.0", "--search", "bart") == []


def test_a_card_is_shown_by_id_and_by_alias(hub: ScriptedHub, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "card", f"huggingface:{BART.id}")
    for said in (
        "summarization",
        "encoder and decoder",
        "mit",
        "1,024 tokens",
        "ROUGE-1",
        "router.huggingface.co, then hf-inference",
    ):
        assert said in out
    out, _ = run(capsys, "--json", "card", "summariser")
    card = json.loads(out)["card"]
    assert (card["model"], card["task"], card["revision"]) == ("summariser", "summarization", BART.sha)
    assert card["metrics"][0] == {
        "name": "ROUGE-1",
        "value": 42.9486,
        "dataset": "cnn_dailymail 3.0.0 train",
        "task": "summarization",
    }


def test_a_card_is_shown_when_the_hub_is_gone(hub: ScriptedHub, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "card", f"huggingface:{BART.id}")
    hub.stop()
    out, _ = run(capsys, "card", f"huggingface:{BART.id}")
    assert "what the hub told today" in " ".join(out.split())


def test_a_search_that_fails_says_why_in_a_line(hub: ScriptedHub, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.down = Reply(429, headers={"ratelimit": '"api";r=0;t=55'}, json={"error": "We had to rate limit you"})
    assert main(["models", "--provider", "huggingface", "--task", "summarization"]) != 0
    told = capsys.readouterr()
    assert "We had to rate limit you" in told.err
    assert "Traceback" not in told.err


def test_everywhere_is_the_hub_too_and_its_failure_hides_nothing(
    hub: ScriptedHub, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run(capsys, "--json", "models", "--everywhere", "--task", "fill-mask", "--language", "ja")
    assert [card["model"] for card in json.loads(out)["models"]] == ["huggingface:tohoku-nlp/bert-base-japanese-v3"]
    hub.stop()
    out, err = run(capsys, "models", "--everywhere", "--kind", "text")
    assert "summariser" in out
    assert "huggingface" in err


def test_offline_it_is_said_that_nobody_was_asked(
    hub: ScriptedHub, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out, err = run(capsys, "models", "--provider", "huggingface", "--task", "summarization")
    assert out == ""
    assert "modelhub: huggingface: the hub was not asked (HF_HUB_OFFLINE)" in err
    assert "has no such model" not in err
    out, _ = run(capsys, "--json", "models", "--provider", "huggingface")
    assert "the router was not asked" in json.loads(out)["notes"]["huggingface"]
