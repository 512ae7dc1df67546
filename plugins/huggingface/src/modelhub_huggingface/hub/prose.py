"""What a README says of a model in words: its heading, and the first sentences that are prose."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["heading", "summary"]

_LONGEST = 400
_READ = 64 << 10
_CUT = 2_000
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,2}[ \t]+(\S.*)$", re.MULTILINE)
_PICTURE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_LINK = re.compile(r"\[([^\[\]\n]+)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MARK = re.compile(r"(\*{1,3}|_{2,3}|`+)(?=\S)(.+?)(?<=\S)\1")
_NO_TITLES = ("about", "introduction", "model card", "model description", "model details", "model information", "overview")
_NO_LINE = ("#", "!", "|", "<img")
_NO_PROSE = ("#", "|", ">", "- ", "* ", "+ ", "===", "---", "[", "1.")
_END = re.compile(r"[.!?。!?](?=\s|$|[^\x00-\x7f])")


def heading(text: str) -> str:
    """The first heading, where it is a title; empty where there is none."""
    found = _HEADING.search(_CODE.sub("", text[:_READ]))
    words = _plain(found[1][:_CUT]).strip(" #:")[:200] if found else ""
    return "" if words.lower() in _NO_TITLES else words


def summary(text: str) -> str:
    """The first paragraph that is prose, whole sentences of it; empty where there is none."""
    for paragraph in _paragraphs(text[:_READ]):
        words = _plain(paragraph[:_CUT])
        if len(words) >= _LEAST or _END.search(words):
            return _shortened(words)
    return ""


_LEAST = 60
"""Characters of what is a sentence even where it does not end like one."""


def _paragraphs(text: str) -> Iterator[str]:
    for block in re.split(r"\n[ \t]*\n", _CODE.sub("", _COMMENT.sub("", text))):
        lines = [line for line in block.strip().splitlines() if not line.lstrip().startswith(_NO_LINE)]
        paragraph = " ".join(lines).strip()
        if paragraph and not paragraph.startswith(_NO_PROSE):
            yield paragraph


def _plain(text: str) -> str:
    """Without marks, links and tags."""
    words = _TAG.sub("", _LINK.sub(r"\1", _PICTURE.sub("", text)))
    return " ".join(_MARK.sub(r"\2", words).split())


def _shortened(words: str) -> str:
    if len(words) <= _LONGEST:
        return words
    ends = [found.end() for found in _END.finditer(words[:_LONGEST])]
    return words[: ends[-1]] if ends else f"{words[: _LONGEST - 1].rstrip()}…"
