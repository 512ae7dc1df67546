"""Web pages: the words a reader sees, block by block, without scripts, styles and navigation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from modelhub.retrieval.documents import Document, Heading
from modelhub.retrieval.loaders import decoded

__all__ = ["HtmlLoader"]

_UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "math", "head", "iframe", "object", "select", "nav"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_CELLS = frozenset({"td", "th"})
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_SPACES = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True, slots=True)
class HtmlLoader:
    """HTML: the text as a reader sees it, blocks parted by blank lines; its title, if it has one, is the first heading.

    Spans and line numbers are those of this text, not of the file's marks.
    """

    def load(self, data: bytes, name: str) -> Document:
        reader = _Reader()
        reader.feed(decoded(data, name))
        reader.close()
        reader.end_block()
        return Document(name, "".join(reader.pieces), tuple(reader.headings))


@dataclass(eq=False)
class _Reader(HTMLParser):
    pieces: list[str] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    length: int = 0
    block: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    level: int = 0
    verbatim: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "body" or (self.unseen == ["head"] and tag in _BLOCKS):
            self.unseen.clear()
        if tag in _UNSEEN or (tag == "title" and self.unseen == ["head"]):
            self.unseen.append(tag)
        if not self.unseen:
            self._begin(tag)

    def _begin(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.end_block()
            self.level = _LEVELS.get(tag, self.level)
            self.verbatim += tag == "pre"
        elif tag == "br":
            self.block.append("\n")
        elif tag in _CELLS and any(piece.strip() for piece in self.block):
            self.block.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if self.unseen:
            self._leave(tag)
        elif tag in _BLOCKS:
            self.end_block()
            self.level = 0 if tag in _LEVELS else self.level
            self.verbatim -= tag == "pre" and self.verbatim > 0

    def _leave(self, tag: str) -> None:
        if self.unseen[-1] == "title" == tag:
            self.level = 1
            self.end_block()
            self.level = 0
        if tag in self.unseen:
            del self.unseen[self.unseen.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self.unseen or self.unseen[-1] == "title":
            self.block.append(data if self.verbatim else _SPACES.sub(" ", data))

    def end_block(self) -> None:
        """Write down the block that has been read."""
        content = "".join(self.block)
        self.block.clear()
        if not self.verbatim:
            content = "\n".join(re.sub(" +", " ", line).strip() for line in content.split("\n"))
        content = content.strip("\n") if self.verbatim else content.strip()
        if not content.strip():
            return
        written = content + "\n\n"
        if self.level:
            self.headings.append(Heading(self.length, self.length + len(written), self.level, content.replace("\n", " ")))
        self.pieces.append(written)
        self.length += len(written)
