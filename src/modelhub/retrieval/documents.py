"""A document: its text, where its lines and sections begin, and a version that changes with the text."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from modelhub.interfaces.passages import Span

__all__ = ["Document", "Heading", "version"]

_NEWLINE = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Heading:
    """A title of ``level`` 1 to 6, written in the characters ``start`` to ``end``; what it heads begins at ``end``."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its name.

    ``name`` is a path relative to the configuration, with forward slashes. ``headings`` stand in the text's order. ``version``
    is a hash of the text: two documents with the same text have the same one.
    """

    name: str
    text: str
    headings: tuple[Heading, ...] = ()
    version: str = field(init=False)
    _lines: array[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines = array("q", [0])
        lines.extend(match.end() for match in _NEWLINE.finditer(self.text))
        object.__setattr__(self, "version", version(self.text))
        object.__setattr__(self, "_lines", lines)

    def line(self, position: int) -> int:
        """The number of the line, counted from 1, that the character at ``position`` stands on."""
        return bisect_right(self._lines, position)

    def span(self, start: int, end: int) -> Span:
        """A range of characters (``end`` excluded) with the lines it touches."""
        return Span(start, end, self.line(start), self.line(max(start, end - 1)))

    def sections(self) -> Iterator[tuple[int, int, str]]:
        """``(start, end, titles)`` of each stretch under one heading, without gaps: ``titles`` are ``"Guide > Keys"``.

        A heading with nothing beneath it belongs to the section that follows.
        """
        start, body, titles, path = 0, 0, "", [""] * 7
        for heading in self.headings:
            if self.text[body : heading.start].strip():
                yield start, heading.start, titles
                start = heading.start
            body = heading.end
            path[heading.level :] = [heading.title] + [""] * (6 - heading.level)
            titles = " > ".join(filter(None, path))
        if start < len(self.text):
            yield start, len(self.text), titles


def version(text: str | bytes) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a text in UTF-8, or of bytes."""
    from hashlib import sha256

    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return sha256(data).hexdigest()[:16]
