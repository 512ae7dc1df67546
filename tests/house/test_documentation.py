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


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_the_map_places_every_file(file: Path) -> None:
    """docs/explanation/house.md is the map: each folder and each file of the core stands in it."""
    relative = file.relative_to(SOURCE)
    place = f"{relative.parts[0]}/" if len(relative.parts) > 1 else relative.name
    assert f"`{place}`" in page("explanation/house.md"), f"Place {place} in docs/explanation/house.md."


def test_the_map_places_nothing_that_is_not_there() -> None:
    for place in re.findall(r"^\| `([^`]+)`", page("explanation/house.md"), re.MULTILINE):
        assert (SOURCE / place).exists(), f"docs/explanation/house.md places {place}, which does not exist."


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
