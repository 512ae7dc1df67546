"""A folder with a plugin that searches, and nothing else installed: what is asked everywhere is asked here alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

import pytest
from catalog_calls import SITE, Called, Manner, answers

from modelhub.testing import FaultServer


class Hidden:
    """Finds modules where plugins are not looked for: ``sys.path`` without the folders in which distributions lie."""

    def __init__(self, entries: list[str]) -> None:
        self.entries = entries

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, self.entries if path is None else path, target)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No other plugin is installed, and no configuration found."""
    hidden = [entry for entry in sys.path if entry and any(Path(entry).glob("*.dist-info"))]
    monkeypatch.setattr(sys, "path", [str(SITE), *(entry for entry in sys.path if entry not in hidden)])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hidden(hidden)])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in ("MODELHUB_PROFILE", "MODELHUB_CONFIG", "MODELHUB_STRICT_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def depot() -> Iterator[FaultServer]:
    """The server of both."""
    with FaultServer(answers) as server:
        yield server


@pytest.fixture
def tables(depot: FaultServer, tmp_path: Path) -> dict[str, Any]:
    """Where they are; and a shelf with one file."""
    shelf = tmp_path / "棚"
    shelf.mkdir()
    said = {
        "title": "棚のモデル",
        "licence": "Apache-2.0",
        "task": "text-generation",
        "languages": ["ja"],
        "memory_bytes": 2**30,
    }
    (shelf / "small.depot").write_text(json.dumps(said), encoding="utf-8")
    return {"depot": {"url": depot.url, "shelf": str(shelf)}, "counter": {"url": depot.url}}


@pytest.fixture(params=[False, True], ids=["blocking", "awaited"])
def hub(request: pytest.FixtureRequest, tables: dict[str, Any]) -> Manner:
    """A hub whose providers are the depot and the counter."""
    return Manner(request.param, {"providers": tables})


@pytest.fixture
def call(tables: dict[str, Any], tmp_path: Path) -> Callable[..., Called]:
    """``call("models", ...)`` in a folder whose configuration names both, and an alias."""
    lines = ['[models."要約"]\nmodel = "depot:facebook/bart-large-cnn"\ncontext_window = 900\n']
    lines += [
        f"[providers.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    ]
    (tmp_path / "modelhub.toml").write_text("\n".join(lines), encoding="utf-8")
    return Called
