"""The examples are what the README promises: the same application, other configurations, other answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("modelhub_starter", reason="needs modelhub-starter: pip install -e plugins/starter")

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def answers(profile: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(str(HANDBOOK / "app.py"), "--json", MODELHUB_PROFILE=profile).splitlines()]


@pytest.mark.parametrize("profile", ["", "another-model", "few-shot", "hybrid"])
def test_the_application_answers_in_both_languages_from_the_right_documents(profile: str) -> None:
    english, japanese = answers(profile)
    assert "working directory" in english["text"]
    assert any("docs/explanation/configuration.md:" in source for source in english["citations"])
    assert "手元の計算機で動くモデルを選びます" in japanese["text"]
    assert any("choosing-a-model.ja.md:" in source for source in japanese["citations"])


def test_only_the_configuration_tells_the_answers_apart() -> None:
    plain, other, brief, bare = (answers(name) for name in ("", "another-model", "few-shot", "no-retrieval"))
    assert [answer["model"] for answer in (*plain, *other)] == ["quote", "quote", "passage", "passage"]
    assert len(brief[0]["citations"]) == 1 < len(plain[0]["citations"])
    assert [answer["citations"] for answer in bare] == [[], []]
    assert "文書が渡されていません" in bare[1]["text"]


def test_the_comparison_shows_them_side_by_side() -> None:
    shown = run(str(HANDBOOK / "compare.py"), COLUMNS="120")
    for heading in ("== as modelhub.toml says ==", "== another model ==", "== without retrieval =="):
        assert heading in shown
    assert "手元の" in shown
    assert max(len(line) for line in shown.splitlines()) <= 120


def test_the_application_prints_for_people_too() -> None:
    shown = run(str(HANDBOOK / "app.py"), "How is a key read from a file?")
    assert "Q: How is a key read from a file?" in shown
    assert "tokens in" in shown
