"""The pages of the README and the docs, and the fenced blocks that stand on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGES", "ROOT", "Block", "blocks", "name_of", "write_down"]

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "plugins", "benchmarks", "examples")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(p for name in FOLDERS for p in (ROOT / name).rglob("*.md"))])
FILE = re.compile(r"\A(?:#|<!--) file: (?P<name>\S+)")


class Block(NamedTuple):
    line: int
    language: str
    code: str

    @property
    def file(self) -> str:
        """The file that it is the content of, where it says so."""
        named = FILE.match(self.code)
        return named["name"] if named else ""


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page. A fence that is indented, has no language or never ends is a mistake."""
    opened: Block | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if not line.lstrip().startswith(("```", "~~~")):
            lines.append(line)
        elif opened:
            assert line.rstrip() == "```", f"{name_of(page)}:{number} ends a block with {line!r}."
            yield opened._replace(code="".join(lines))
            opened = None
        else:
            language = re.fullmatch(r"```([a-z]+)\n", line)
            assert language, f"{name_of(page)}:{number} has a fence that is indented or has no language: {line!r}."
            opened, lines = Block(number, language[1], ""), []
    assert opened is None, f"{name_of(page)} has a block that never ends."


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def write_down(page: Path, folder: Path) -> str:
    """Write the files of a page below a folder; gives the rest of its Python as one program."""
    program = []
    for block in blocks(page):
        if block.file:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code if block.language == "toml" else block.code.partition("\n")[2], encoding="utf-8")
        elif block.language == "python":
            program.append(block.code)
    return "\n".join(program)
