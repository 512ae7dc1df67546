"""The doors: what they promise exists, in order, and type checkers see the same as the interpreter."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import modelhub

SOURCE = Path(modelhub.__file__).parent
MODULES = sorted(
    ".".join(("modelhub", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    for file in SOURCE.rglob("*.py")
    if file.name != "__main__.py"
)


def literal_all(path: Path) -> list[str] | None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def rank(word: str) -> tuple[int, str]:
    return 0 if word.isupper() else 1 if word[0].isupper() else 2, word


@pytest.mark.parametrize("name", MODULES)
def test_exports_are_sorted_and_exist(name: str) -> None:
    module = importlib.import_module(name)
    exported = literal_all(Path(str(module.__file__)))
    if exported is not None:
        assert exported == sorted(exported, key=rank), f"Sort __all__ of {name}: constants, classes, functions."
        assert [word for word in exported if not hasattr(module, word)] == []


@pytest.mark.parametrize("door", ["__init__.py", "plugin.py"])
def test_type_checkers_see_what_the_door_gives(door: str) -> None:
    given = importlib.import_module("modelhub" if door == "__init__.py" else "modelhub.plugin").__all__
    tree = ast.parse((SOURCE / door).read_text(encoding="utf-8"))
    mirrored = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.If)
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert mirrored == set(given), f"The mirror under TYPE_CHECKING in {door} and __all__ differ."


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Hubb"):
        _ = modelhub.Hubb


def test_every_error_is_at_the_front_door() -> None:
    errors = importlib.import_module("modelhub.errors")
    classes = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert classes <= set(modelhub.__all__)
