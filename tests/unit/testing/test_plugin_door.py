"""The doors ``modelhub.plugin`` and ``modelhub.testing``: every name opens, the mirror is true, and a look costs little."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

DOORS = ("modelhub.plugin", "modelhub.testing")
HEAVY = {"asyncio", "httpx", "importlib.metadata", "numpy", "pydantic", "pytest"}


def tables(door: str) -> tuple[dict[str, str], dict[str, str]]:
    """The names at run time and those that type checkers see, each with its module."""
    module = importlib.import_module(door)
    table: dict[str, str] = vars(module)["_HOME_OF"]
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    guarded = [line for node in tree.body if isinstance(node, ast.If) for line in node.body]
    imports = [line for line in guarded if isinstance(line, ast.ImportFrom)]
    mirror = {alias.name: str(node.module) for node in imports for alias in node.names}
    return table, mirror


def loaded_after(line: str) -> set[str]:
    script = f"import json, sys\n{line}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("door", DOORS)
def test_table_and_mirror_are_alike_and_sorted(door: str) -> None:
    table, mirror = tables(door)
    assert table == mirror, f"{door}: write each name into the table and under TYPE_CHECKING, with the same module."
    assert importlib.import_module(door).__all__ == sorted(table), f"{door}: name the same words in __all__, sorted."
    assert dir(importlib.import_module(door)) == sorted(table)


@pytest.mark.parametrize("door", DOORS)
def test_every_name_opens(door: str) -> None:
    module = importlib.import_module(door)
    for name in tables(door)[0]:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("door", DOORS)
def test_a_misspelt_name_is_answered_with_the_right_one(door: str) -> None:
    name = "HttpModle" if door == "modelhub.plugin" else "TextConformence"
    with pytest.raises(AttributeError, match=r"Did you mean '(HttpModel|TextConformance)'"):
        getattr(importlib.import_module(door), name)


@pytest.mark.parametrize("door", DOORS)
def test_opening_a_door_loads_nothing(door: str) -> None:
    loaded = loaded_after(f"import {door}")
    assert not loaded & (HEAVY | {"pluggy", "modelhub.model", "modelhub.errors"})


def test_what_a_plugin_needs_to_describe_itself_is_light() -> None:
    assert not loaded_after("from modelhub.plugin import Provider, hookimpl") & HEAVY


def test_what_an_endpoint_needs_is_light() -> None:
    names = "Bearer, Finished, HttpModel, HttpRequest, SseDecoder, TextDelta, TextRequest, TextResponse, fault"
    assert not loaded_after(f"from modelhub.plugin import {names}") & HEAVY


def test_the_pytest_plugin_loads_nothing_but_pytest() -> None:
    script = "import sys, pytest; before = set(sys.modules); import modelhub.testing.pytest_plugin as p; now = set(sys.modules)"
    script += "; print(*sorted(now - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["modelhub", "modelhub.testing", "modelhub.testing.pytest_plugin"]
