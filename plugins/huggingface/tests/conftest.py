"""What the tests of this plugin share: tiny models, each made once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the neighbours that are no tests
os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when its client is imported


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """``tiny("gpt2")``: the folder of a tiny model of that kind (see ``tiny_models``), made when it is first asked for."""
    made: dict[str, str] = {}

    def folder(kind: str, **changes: Any) -> str:
        from tiny_models import save

        key = f"{kind} {changes}"
        if key not in made:
            made[key] = save(tmp_path_factory.mktemp("models") / kind, kind, **changes)
        return made[key]

    return folder


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nobody has logged in to a hub, and nothing was fetched or kept yet; it may ask the hub."""
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def hub(home: Path) -> Iterator[Any]:
    """The hub of the tests, with a model of every family, and such a machine before it."""
    from scripted_hub import ScriptedHub

    with ScriptedHub() as hub:
        yield hub


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """``made("tiny_sound", "whisper", seconds=2)``: what a function of a neighbour puts into a folder, made once.

    The folder is called as the function is, or as ``named`` says.
    """
    kept: dict[str, str] = {}

    def folder(module: str, function: str, named: str | None = None, **changes: Any) -> str:
        from importlib import import_module

        key = f"{module} {function} {named} {changes}"
        if key not in kept:
            place = tmp_path_factory.mktemp("made") / (named or function)
            kept[key] = getattr(import_module(module), function)(place, **changes)
        return kept[key]

    return folder
