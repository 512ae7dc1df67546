"""Readers of documents: from a file's bytes to a text with headings. Each is found by the name that its files' suffix stands
for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from modelhub.errors import InvalidRequest
from modelhub.hookspecs import hookimpl
from modelhub.retrieval.documents import Document, Heading

__all__ = ["Loader", "MarkdownLoader", "TextLoader", "decoded", "html", "markdown", "text"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HASHES = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?\n?$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*\r?\n?$")
_NO_PARAGRAPH = re.compile(r"\s*$| {0,3}(?:[-*+>|]|\d+[.)])[ \t]?| {4}|\t")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Loader(Protocol):
    """Reads one format. The name of a plugin that brings one is the suffix of the files it reads, without the dot."""

    def load(self, data: bytes, name: str) -> Document:
        """The document in a file's bytes. Raises ``InvalidRequest``, naming the file, where they are not of this format."""


def decoded(data: bytes, name: str) -> str:
    """The bytes as UTF-8, without a byte order mark, line ends left as they are. Raises ``InvalidRequest`` where they are
    not.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[error.start : error.start + 1].hex()
        raise InvalidRequest(f"{name}:{line}: not UTF-8 (byte 0x{found}). Save the file as UTF-8, or leave it out.") from None


@dataclass(frozen=True, slots=True)
class TextLoader:
    """Plain text: what the file says, no headings."""

    def load(self, data: bytes, name: str) -> Document:
        return Document(name, decoded(data, name))


@dataclass(frozen=True, slots=True)
class MarkdownLoader:
    """Markdown: what the file says, marks included, so that lines are the file's own; headings in both styles."""

    def load(self, data: bytes, name: str) -> Document:
        content = decoded(data, name)
        return Document(name, content, tuple(_headings(content)))


def _headings(content: str) -> Iterator[Heading]:
    fence, begin, above = "", _front_matter(content), ""
    for match in _LINE.finditer(content, begin):
        line = match.group()
        if fenced := _FENCE.match(line):
            fence = _fence(fence, fenced.group(1), line)
            above = ""
        elif fence:
            continue
        elif hashes := _HASHES.match(line):
            yield Heading(match.start(), match.end(), len(hashes.group(1)), _plain(hashes.group(2) or ""))
            above = ""
        elif above and (under := _UNDERLINE.match(line)):
            yield Heading(match.start() - len(above), match.end(), 1 if under.group(1)[0] == "=" else 2, _plain(above))
            above = ""
        else:
            above = "" if _NO_PARAGRAPH.match(line) else line


def _fence(opened: str, mark: str, line: str) -> str:
    """The fence that is open after this line of fence marks; an empty string where none is."""
    if not opened:
        return mark
    closes = mark[0] == opened[0] and len(mark) >= len(opened) and not line.strip().strip(mark[0])
    return "" if closes else opened


def _front_matter(content: str) -> int:
    match = re.match(r"---[ \t]*\r?\n(?:.*\n)*?---[ \t]*(?:\r?\n|$)", content)
    return match.end() if match else 0


def _plain(title: str) -> str:
    """A title without its marks: links are their words, emphasis and code are bare."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[*`]+|(?<!\w)_+|_+(?!\w)", "", words).strip()


class _Text:
    @hookimpl
    def modelhub_loader(self) -> Loader:
        return TextLoader()


class _Markdown:
    @hookimpl
    def modelhub_loader(self) -> Loader:
        return MarkdownLoader()


class _Html:
    @hookimpl
    def modelhub_loader(self) -> Loader:
        from modelhub.retrieval.html import HtmlLoader

        return HtmlLoader()


text = _Text()
markdown = _Markdown()
html = _Html()
