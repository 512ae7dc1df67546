"""A room imports only rooms below it, and the core knows no vendor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "modelhub"

FLOORS = (
    ("errors", "price", "route"),
    ("http",),
    ("model",),
    ("interfaces",),
    ("sound",),
    ("transport", "engines"),
    ("provider", "hookspecs"),
    ("providers",),
    ("config",),
    ("wrappers",),
    ("retrieval",),
    ("prompting",),
    ("assembly",),
    ("catalog", "clients"),
    ("hub",),
    ("__init__", "plugin"),
    ("testing",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
VENDORS = re.compile(
    r"azure|openai|anthropic|claude|gemini|vertex|bedrock|watsonx|hugging ?face|llama|mistral|cohere|groq|deepseek|qwen"
    r"|dashscope|vllm|elevenlabs|dall-e|whisper|gpt-\d|chatcmpl|x-ms-|x-goog-|x-amz-|responsible_?ai|deployment_?not_?found"
    r"|content management policy|model_not_supported|incomplete_generation",
    re.IGNORECASE,
)
"""Vendors, their products, and words that only one of them says. What most servers say (``rate_limit``) is nobody's."""
FILES = sorted(SOURCE.rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and module of each import that runs; those under ``if TYPE_CHECKING`` never do."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module == "modelhub"
            yield from ((node.lineno, f"modelhub.{name.name}" if whole else node.module) for name in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        yield from imports(node)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_room_imports_only_rooms_below_it(file: Path) -> None:
    room = room_of(file)
    assert room in LEVEL, f"{room} stands on no floor: add it to FLOORS in {__file__}."
    for line, module in imports(ast.parse(file.read_text(encoding="utf-8"))):
        first, _, rest = module.partition(".")
        name = rest.partition(".")[0]
        other = name if name in LEVEL else "__init__"  # ``from modelhub import Hub`` goes through the front door
        if first == "modelhub" and other != room:
            assert LEVEL[other] < LEVEL[room], (
                f"{file.name}:{line} imports modelhub.{other}, which is not below {room}. Move what is shared to a lower "
                "room, or hand it in as an argument."
            )


def test_every_import_says_its_whole_name() -> None:
    """``from .. import x`` would hide from the rule of the floors where it leads."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{file.name}:{node.lineno} imports relatively."


def test_every_floor_has_its_rooms_and_the_map_stands_in_their_order() -> None:
    """docs/explanation/house.md says that it lists the lowest first."""
    house = (ROOT / "docs" / "explanation" / "house.md").read_text(encoding="utf-8")
    places = re.findall(r"^\| \[?`([a-z_]+)(?:/|\.py)`[^|]*\| \S", house, re.MULTILINE)
    rooms = places[: len(LEVEL)]
    assert set(rooms) == set(LEVEL) == {room_of(file) for file in FILES}
    assert [LEVEL[room] for room in rooms] == sorted(LEVEL.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_the_core_knows_no_vendor(file: Path) -> None:
    """Vendors live in plugins; a docstring may give an id as an example."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        words = [getattr(node, name, None) for name in ("id", "attr", "name", "arg")]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            words.append(node.value)
        for word in words:
            assert not (isinstance(word, str) and VENDORS.search(word)), (
                f"{file.name}:{getattr(node, 'lineno', 1)} names a vendor: {word!r}. Move it to that vendor's plugin."
            )


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "helpers", "common", "base", "types", "misc", "core"}
    found = [file for file in FILES if file.stem in vague]
    assert not found, f"Name these after the one thing they hold: {found}."


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_is_a_page(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{file.name} has {lines} lines: it holds two subjects; give each a file."


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_says_what_it_is(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{file.name} begins without a docstring: say in one line what it holds."


def test_nothing_evaluates_code_or_unpickles() -> None:
    """AT-H4: no eval, exec, pickle, marshal or unsafe YAML anywhere in the wheel."""
    banned = {"eval", "exec", "compile", "__import__"}
    modules = {"pickle", "marshal", "shelve", "dill", "yaml", "runpy"}
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in banned, f"{file.name}:{node.lineno} calls {node.func.id}()."
        for line, module in imports(tree):
            assert module.partition(".")[0] not in modules, f"{file.name}:{line} imports {module}."
