"""What is public is documented, and what is documented exists."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import modelhub
from modelhub import errors, hookspecs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "modelhub"
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("modelhub_"))
ERRORS = sorted(name for name in errors.__all__ if name != "did_you_mean")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented(name: str) -> None:
    hook = getattr(hookspecs, name)
    assert inspect.getdoc(hook), f"{name} has no docstring."
    assert f"`{name}`" in page("plugins/hooks.md"), f"Describe {name} in docs/plugins/hooks.md."


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(errors, name)), f"{name} has no docstring."
    assert f"`{name}`" in page("reference/errors.md"), f"Describe {name} in docs/reference/errors.md."


@pytest.mark.parametrize("name", sorted(modelhub.__all__))
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(modelhub, name)), f"{name} has no docstring."


def placed() -> list[str]:
    """What docs/explanation/house.md places, in its order: the table of the house, then a table for each room."""
    places, room = [], ""
    for line in page("explanation/house.md").splitlines():
        if header := re.match(r"\| (?:place in `src/modelhub/`|`([a-z/]+/)`) \|", line):
            room = header[1] or ""
        elif row := re.match(r"\| \[?`([^`]+)`(?:\]\(#\w+\))? \| (.*) \|$", line):
            assert row[2].strip(), f"docs/explanation/house.md does not say what {room}{row[1]} holds."
            places.append(room + row[1])
    return places


def test_the_map_places_every_file() -> None:
    """docs/explanation/house.md is the map: each folder and each file of the core stands in it; a room's door goes with it."""
    files = [file.relative_to(SOURCE) for file in SOURCE.rglob("*") if file.suffix in (".py", ".typed")]
    rooms = {f"{file.parts[0]}/" for file in files if len(file.parts) > 1}
    inside = {file.as_posix() for file in files if len(file.parts) == 1 or file.name != "__init__.py"}
    assert sorted((rooms | inside) - set(placed())) == [], "Place these in docs/explanation/house.md."


def test_the_map_places_nothing_that_is_not_there_and_nothing_twice() -> None:
    assert [place for place in placed() if not (SOURCE / place).exists()] == []
    assert len(placed()) == len(set(placed()))


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")]
    assert [name for name in pages if name not in navigation] == []


def test_public_functions_and_classes_have_docstrings() -> None:
    """Every command has the same two functions, which ``cli/command.py`` describes once."""
    missing, told = [], {"configure", "run"}
    for file in SOURCE.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            named = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
            if (
                named
                and not node.name.startswith("_")
                and node.name not in told
                and not ast.get_docstring(node)
                and not _overload(node)
            ):
                missing.append(f"{file.relative_to(SOURCE)}:{node.lineno} {node.name}")
    assert missing == []


def _overload(node: ast.AST) -> bool:
    return any(
        isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in getattr(node, "decorator_list", ())
    )
