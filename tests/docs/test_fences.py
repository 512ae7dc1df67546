"""Every code block of the README and the docs runs: Python top to bottom, one namespace a page; TOML is parsed.

A block whose first line is ``# file: NAME`` is written to that file, so that a later block can use it. A page of a plugin's
tutorial has a test of its own, which installs what the page builds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "plugins")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(p for name in FOLDERS for p in (ROOT / name).rglob("*.md"))])
OWN_TEST = {"docs/plugins/writing.md", "docs/plugins/testing.md"}
FENCE = re.compile(r"^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\A(?:#|<!--) file: (?P<name>\S+)")
RUNNABLE = {"python", "toml", "console", "json", "text"}


def fences(page: Path) -> Iterator[tuple[str, str]]:
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield found["language"], found["code"]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


TESTED = [page for page in PAGES if name_of(page) not in OWN_TEST]


@pytest.mark.parametrize("page", [page for page in TESTED if any(True for _ in fences(page))], ids=name_of)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    program = []
    for language, code in fences(page):
        assert language in RUNNABLE | {"markdown", "html", "jsonl", "yaml"}, f"{name_of(page)}: what is a {language!r} block?"
        if written := FILE.match(code):
            target = tmp_path / written["name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(code.partition("\n")[2] if language != "toml" else code, encoding="utf-8")
        elif language == "python":
            program.append(code)
        elif language == "toml":
            tomllib.loads(code)
    if program:
        script = tmp_path / "page.py"
        script.write_text("\n".join(program), encoding="utf-8")
        environment = {**os.environ, "HOME": str(tmp_path), "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}
        environment.pop("MODELHUB_CONFIG", None)
        done = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, f"{name_of(page)}:\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{name_of(page)} links to {target}, which does not exist."
