"""A pattern read, and written so that a grammar can hold a model to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from modelhub_llama.patterns.characters import ANY, KINDS, Ranges, union, without, written

__all__ = ["sayable"]


@lru_cache(256)
def sayable(pattern: str) -> str | None:
    """The pattern as llama.cpp reads one: anchored, of classes, groups and repetitions alone; ``None``: it cannot be said.

    A text that it allows is one that the pattern allows, in Python, in Rust and in ECMAScript, and valid JSON. The other way
    round some are left out: digits of other scripts, say.
    """
    try:
        return _Reader(pattern).whole()
    except _Unsayable:
        return None


class _Unsayable(Exception):
    """What a grammar has no words for: looking around, referring back, bounds of words."""


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    size: int = 1
    """Characters of the longest text that has to be spelled out."""
    empty: bool = False
    """Whether no text at all is one of it."""


_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_NUMBERED = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|[xu]\{([0-9a-fA-F]{1,6})\}")
_GROUP = re.compile(r"\((?:\?(?::|P?<\w+>))?")
_TIMES = re.compile(r"([*+?])|\{(\d+)(?:(,)(\d*))?\}")
_OPERATIONS = ("&&", "--", "~~", "||", "[")
"""What means more in a class of one dialect than in one of another."""
_MOST, _LARGEST = 1000, 10_000
_ANYTHING = written(ANY) + "*"


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def whole(self) -> str:
        """The pattern between anchors. A branch without one may begin, or end, with anything."""
        branches = [self._branch()]
        while self._took("|"):
            branches.append(self._branch())
        if self._at < len(self._text):
            raise _Unsayable
        return f"^{branches[0]}$" if len(branches) == 1 else f"^({'|'.join(branches)})$"

    def _branch(self) -> str:
        before = "" if self._took("^") else _ANYTHING
        inner = self._run()
        after = "" if self._took("$") or (before and not inner.text) else _ANYTHING
        if inner.size > _LARGEST:
            raise _Unsayable
        return before + inner.text + after

    def _run(self) -> _Part:
        """Parts one after another, up to where a branch ends."""
        parts: list[_Part] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)$":
            parts.append(self._times(self._part()))
        return _Part("".join(part.text for part in parts), sum(part.size for part in parts), all(part.empty for part in parts))

    def _part(self) -> _Part:
        char = self._text[self._at]
        if char == "(":
            return self._group()
        if char in "^*+?{":
            raise _Unsayable
        self._at += 1
        match char:
            case "[":
                return _one(self._class())
            case ".":
                return _one(ANY)
            case "\\":
                return _one(self._escaped())
            case _:
                return _one(_single(char))

    def _group(self) -> _Part:
        opened = _GROUP.match(self._text, self._at)
        if opened is None or self._text.startswith("?", opened.end()):
            raise _Unsayable
        self._at = opened.end()
        branches = [self._run()]
        while self._took("|"):
            branches.append(self._run())
        if not self._took(")"):
            raise _Unsayable
        text = "|".join(branch.text for branch in branches)
        return _Part(f"({text})", sum(branch.size for branch in branches), any(branch.empty for branch in branches))

    def _times(self, part: _Part) -> _Part:
        """The part as often as is said behind it; that the fewest are tried first changes nothing of what is allowed."""
        found = _TIMES.match(self._text, self._at)
        if found is None:
            return part
        self._at = found.end()
        self._took("?")
        if self._text[self._at : self._at + 1] in {"*", "+", "?", "{"}:
            raise _Unsayable
        least, most = _bounds(found)
        if least > (_MOST if most is None else most) or max(least, most or 0) > _MOST or (most is None and part.empty):
            raise _Unsayable
        return _Part(part.text + found[0], part.size * max(least, most or 1), least == 0 or part.empty)

    def _class(self) -> Ranges:
        """The characters of a class, whose bracket is behind us."""
        turned = self._took("^")
        found: Ranges = ()
        while not self._took("]"):
            if any(self._text.startswith(word, self._at) for word in _OPERATIONS) or self._at >= len(self._text):
                raise _Unsayable
            found = union(found, self._item(turned=turned))
        if not found:
            raise _Unsayable
        return without(ANY, found) if turned else found

    def _item(self, *, turned: bool) -> Ranges:
        first, last = self._member(turned=turned), None
        if len(first) == 1 and self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] != "]":
            self._at += 1
            last = self._member(turned=turned)
            if first[0][0] != first[0][1] or len(last) != 1 or last[0][0] != last[0][1] or last < first:
                raise _Unsayable
        return first if last is None else ((first[0][0], last[0][0]),)

    def _member(self, *, turned: bool) -> Ranges:
        if self._at >= len(self._text):
            raise _Unsayable
        self._at += 1
        char = self._text[self._at - 1]
        if char == "\\" and self._took("b"):
            return _single("\b")
        return self._escaped(turned=turned) if char == "\\" else _single(char)

    def _escaped(self, *, turned: bool = False) -> Ranges:
        """What stands behind a backslash; where the class is ``turned`` round, all that the contrary surely is not."""
        char = self._text[self._at : self._at + 1]
        if numbered := _NUMBERED.match(self._text, self._at):
            self._at = numbered.end()
            return _point(int(next(filter(None, numbered.groups())), 16))
        self._at += 1
        if char in KINDS:
            return without(ANY, KINDS[char.swapcase()]) if turned else KINDS[char]
        if char in _LETTERS:
            return _single(_LETTERS[char])
        if not char or char.isalnum():
            raise _Unsayable
        return _single(char)

    def _took(self, char: str) -> bool:
        if self._text[self._at : self._at + 1] != char:
            return False
        self._at += 1
        return True


def _bounds(found: re.Match[str]) -> tuple[int, int | None]:
    """The least and the most times; ``None`` without an end."""
    if found[1]:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[found[1]]
    least = int(found[2])
    return least, least if found[3] is None else int(found[4]) if found[4] else None


def _one(characters: Ranges) -> _Part:
    text = written(characters)
    if not text:
        raise _Unsayable
    return _Part(text)


def _single(char: str) -> Ranges:
    return ((ord(char), ord(char)),)


def _point(number: int) -> Ranges:
    if number > 0x10FFFF:
        raise _Unsayable
    return ((number, number),)
