"""Which lines of a Markdown passage are prose: neither code within fences, nor a table's row, nor a directive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

__all__ = ["Prose", "without_marker"]

_FENCE = re.compile(r"[ \t]{0,12}(?:[-*+>][ \t]+)?(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[^`\n]*)")
_NO_PROSE = re.compile(r"[ \t]*(?:>[ \t]*)?(?:\||:::|!!!|\?\?\?)")
_MARKER = re.compile(r"(?:[-*+•‣・>][ \t]+)+(?:\[[ xX]\][ \t]+)?")


class Prose:
    """Asked whether a stretch of a text is prose throughout."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines(keepends=True)
        self._ends = list(accumulate(map(len, lines)))
        self._prose = list(_prose(lines))

    def holds(self, start: int, end: int) -> bool:
        """Whether all lines that hold characters ``start`` to ``end`` are prose."""
        from bisect import bisect_right

        return all(self._prose[bisect_right(self._ends, start) : bisect_right(self._ends, end - 1) + 1])


def without_marker(text: str) -> int:
    """How many characters of a list item's or a quotation's sentence are its marker."""
    found = _MARKER.match(text)
    return found.end() if found and found.end() < len(text) else 0


def _prose(lines: list[str]) -> Iterator[bool]:
    fences = [_FENCE.match(line) for line in lines]
    opened = _opened_before([found for found in fences if found])
    for line, found in zip(lines, fences, strict=True):
        yield not opened and not found and not _NO_PROSE.match(line)
        if found:
            opened = _after(opened, found)


def _after(opened: str, fence: re.Match[str]) -> str:
    """The marks of the block of code that is open after a fence, where those of ``opened`` were before it."""
    if not opened:
        return fence["marks"]
    closes = fence["marks"].startswith(opened) and not fence["language"].strip()
    return "" if closes else opened


def _opened_before(fences: list[re.Match[str]]) -> str:
    """The marks of the block of code within which a passage was cut out of its document; empty where it was not.

    A fence that names a language opens a block. So where one stands within a block that a bare fence seems to open, or where
    such a block has no end, that bare fence was the end of an earlier one.
    """
    opened, bare = "", False
    for fence in fences:
        named = bool(fence["language"].strip())
        if opened and bare and named and fence["marks"] == opened:
            return fences[0]["marks"]
        bare = bare if opened else not named
        opened = _after(opened, fence)
    return fences[0]["marks"] if opened and bare else ""
