"""Every code block of the README and the docs holds: Python runs, TOML is loaded, JSON is read, and commands exist.

The Python of a page runs top to bottom, as one program. A block whose first line is ``# file: NAME`` is written to that file,
so that a later block can use it. The pages about plugins and about models on one's own machine have tests of their own, which
make what these need.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, blocks, name_of, write_down

from modelhub.config import load

OWN_TEST = {
    "docs/explanation/model-families.md",
    "docs/how-to/huggingface.md",
    "docs/how-to/local-models.md",
    "docs/plugins/testing.md",
    "docs/plugins/writing.md",
}
LANGUAGES = {"console", "json", "jsonl", "markdown", "python", "toml"}


def every(*languages: str) -> list[object]:
    """The blocks of all pages in these languages, each with an id that says where it stands."""
    found = ((page, block) for page in PAGES for block in blocks(page) if block.language in languages)
    return [pytest.param(block, id=f"{name_of(page)}:{block.line}") for page, block in found]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_no_block_that_nothing_checks(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{name_of(page)}:{block.line}: what checks a {block.language} block?"


@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) not in OWN_TEST], ids=name_of)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    program = write_down(page, tmp_path)
    if program:
        script = tmp_path / "page.py"
        script.write_text(program, encoding="utf-8")
        environment = {**os.environ, "HOME": str(tmp_path), "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}
        environment.pop("MODELHUB_CONFIG", None)
        done = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, f"{name_of(page)}:\n{done.stderr}"


@pytest.mark.parametrize("block", every("toml"))
def test_a_configuration_on_a_page_is_one(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is loaded as an application would, alone and with each of its profiles."""
    if block.file.endswith("pyproject.toml"):
        assert tomllib.loads(block.code)["project"]["name"]
        return
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))
    for name in ("MODELHUB_CONFIG", "MODELHUB_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in re.findall(r'\benv\s*=\s*"(\w+)"', block.code):
        monkeypatch.setenv(name, "a-key-for-this-test")
    file = tmp_path / "modelhub.toml"
    file.write_text(block.code, encoding="utf-8")
    for profile in (None, *tomllib.loads(block.code).get("profiles", ())):
        assert load(file, profile=profile).tree, "an empty configuration shows nothing"


@pytest.mark.parametrize("block", every("json", "jsonl"))
def test_json_on_a_page_is_json(block: Block) -> None:
    text = block.code.partition("\n")[2] if block.file else block.code
    for document in [text] if block.language == "json" else text.splitlines():
        json.loads(document)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{name_of(page)} links to {target}, which does not exist."
