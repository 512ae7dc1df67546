"""Where sentences end, in scripts with and without spaces.

A sentence ends after ``. ! ?`` and their kin before a space, unless the full stop belongs to an abbreviation, an initial
or a number; after ``。！？`` and their closing brackets; at a blank line, and where a line is a heading, a list item, a
quotation or a table row. No sentence ends within `inline code` or a [Markdown link](target). Thai marks no ends: a line break
is one, and a space, once the piece before it is long enough to say something.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from modelhub.retrieval.graphemes import is_boundary

__all__ = ["sentence_spans"]

_CLOSERS = "\"'”’»›)\\]}」』）］｝】〉》〕"
_BOUNDARY = re.compile(
    rf"""
      (?P<full>  [。！？｡‼⁇⁈⁉।॥؟۔።։។៕။]++ [。！？｡!?…]*+ )  [{_CLOSERS}]*+ \s*+
    | (?P<wide>  ．(?![0-9０-９]) )                 [{_CLOSERS}]*+ \s*+
    | (?P<stop>  (?<![.!?…]) [.!?…]++ )             [{_CLOSERS}]*+ (?: \[\d+\] )*+ (?: \s++ | \Z )
    | (?P<break> (?<![ \t]) [ \t]*+ (?: \r?\n [ \t]*+ ){{2,}}+ )
    | (?P<line>  (?<![ \t]) [ \t]*+ \r?\n [ \t]*+ (?= \#{{1,6}}\s | [-*+•‣・]\s | \d{{1,3}}[.)]\s | [|>] | ``` | ~~~ ) )
    | (?P<thai>  (?<=[\u0e01-\u0e4e\u0e80-\u0ecf]) \s++ (?=[\u0e01-\u0e4e\u0e80-\u0ecf]) )
    | (?P<wrap>  (?<![ \t]) [ \t]*+ \r?\n [ \t]*+ )
    """,
    re.VERBOSE,
)
_WITHIN_A_PARAGRAPH = r"\r?\n(?![ \t]*(?:\r?\n|\#{1,6}\s|[-*+•‣・]\s|\d{1,3}[.)]\s|[|>]|```|~~~))"
_WHOLE = re.compile(
    rf"""
      (?<!`) `  (?!`) (?: [^`\n] | {_WITHIN_A_PARAGRAPH} )*+              `  (?!`)
    | (?<!`) `` (?!`) (?: [^`\n] | `(?!`) | {_WITHIN_A_PARAGRAPH} )*+     `` (?!`)
    | \[ (?: [^\[\]\n] | {_WITHIN_A_PARAGRAPH} ){{1,400}}+ \] \( [^()\s]{{0,800}}+ (?: [ ]"[^"\n]{{0,200}}+" )? \)
    """,
    re.VERBOSE,
)
"""Inline code and links: what stands in them is no prose."""
_CONTINUES = re.compile(r"[、,，とはがをにでもの](?!こ)|って")
_LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘«—–-])([^\s(\[\"'“‘«—–-]{1,24})$")
_INITIAL = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
_NEVER_LAST = """
mr mrs ms messrs dr prof rev gen col capt lt sgt maj sen rep gov pres hon st ste mt ft fr sr
vs viz cf e.g i.e eg ie al fig figs eq sec ch vol vols pp p ed eds trans approx ca c b d no nos nr art para op cit
jan feb mar apr jun jul aug sept sep oct nov dec mme mlle bzw z.b d.h
г гг в вв им ул т д п н э тыс млн млрд руб см рис стр др пр проф св м
"""
_SOMETIMES_LAST = "inc ltd co corp bros jr sr etc a.m p.m ph.d u.s u.k u.n e.u d.c b.c a.d"
_FIRST_WORDS = """
the a an this that these those it its he she they we you i in on at by for from with as if when while after before since
although however but and so there his her their our my some many most all each both another one two several no not
"""
_ALWAYS = frozenset(_NEVER_LAST.split())
_MAYBE = frozenset(_SOMETIMES_LAST.split())
_STARTERS = frozenset(_FIRST_WORDS.split())
_THAI_PIECE = 120
_MARKS = frozenset({"full", "wide", "stop", "thai"})
_NOWHERE = (sys.maxsize, sys.maxsize)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The sentences as ``(start, end)``: in order, without gaps, the whole text; white space belongs to the sentence before it.

    Takes time in proportion to the text's length, and never parts a character from what is attached to it.
    """
    spans = []
    start = 0
    for end in _ends(text):
        if text[start:end].strip() and is_boundary(text, end):
            spans.append((start, end))
            start = end
    if start < len(text):
        spans.append((start, len(text)) if text[start:].strip() or not spans else (spans.pop()[0], len(text)))
    return spans


def _ends(text: str) -> Iterator[int]:
    last = 0
    line = 0
    whole = _Whole(text)
    for match in _BOUNDARY.finditer(text):
        kind = match.lastgroup
        if "\n" in match.group():
            heading = text.startswith("#", line) or text.startswith(("|", "```"), line)
            line = match.end()
        else:
            heading = False
        if heading or (_is_end(text, match, kind, last, line) and not (kind in _MARKS and whole.holds(match.start()))):
            last = match.end()
            yield last


class _Whole:
    """Asked, from left to right, whether a place is within inline code or a link."""

    def __init__(self, text: str) -> None:
        self._spans = (found.span() for found in _WHOLE.finditer(text))
        self._start, self._end = next(self._spans, _NOWHERE)

    def holds(self, place: int) -> bool:
        while self._end <= place:
            self._start, self._end = next(self._spans, _NOWHERE)
        return self._start <= place


def _is_end(text: str, match: re.Match[str], kind: str | None, last: int, line: int) -> bool:
    match kind:
        case "full" | "wide":
            closed = match.end() > match.end(kind)
            return not (closed and _CONTINUES.match(text, match.end()))
        case "stop":
            return _stops(text, match, line)
        case "thai":
            return "\n" in match.group() or match.start() - last >= _THAI_PIECE
        case "wrap":
            return False
        case _:
            return True


def _stops(text: str, match: re.Match[str], line: int) -> bool:
    following = text[match.end() : match.end() + 1]
    if not following:
        return True
    if match.group("stop") != ".":
        return not following.islower()
    if following.islower():
        return False
    found = _LAST_WORD.search(text[max(match.start() - 26, 0) : match.start()])
    word = found.group(1) if found else ""
    if word.isdigit() and not text[line : match.start()].strip(" \t0123456789"):
        return False
    return not _abbreviates(word, text[match.end() : match.end() + 24])


def _abbreviates(word: str, following: str) -> bool:
    bare = word.casefold()
    if bare in _ALWAYS:
        return bare not in {"no", "c", "b", "d", "p"} or following[:1].isdigit() or (bare != "no" and word.isupper())
    if bare in _MAYBE or _INITIAL.fullmatch(word):
        starter = re.match(r"\W*(\w+)", following)
        return not (starter and starter.group(1).casefold() in _STARTERS)
    return False
