"""Cutting a text into pieces of at most so many tokens, at the best place within reach.

A cut falls, in this order of preference, between paragraphs, after a sentence, after a line, after a clause, between words,
and, where a script has none of these, between two characters; never inside what a reader sees as one character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from modelhub.errors import InvalidRequest
from modelhub.retrieval.graphemes import cut_before, is_boundary
from modelhub.retrieval.sentences import sentence_spans
from modelhub.retrieval.tokens import count_tokens

__all__ = ["Chunk", "chunks"]

PARAGRAPH, SENTENCE, LINE, CLAUSE, WORD, CHARACTER = 5, 4, 3, 2, 1, 0

_ENDS = frozenset("。！？｡.!?\n")
_CLOSERS = frozenset("。！？｡、，」』）)】》〉”’\"'")
_PARAGRAPH = re.compile(r"\n(?:[ \t\r]*\n)+")
_PLACES = (
    (LINE, re.compile(r"(?s).*\n")),
    (CLAUSE, re.compile(r"(?s).*(?:[。！？、，；：」』）]|[;:,)]\s)")),
    (WORD, re.compile(r"(?s).*\s")),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The characters ``start`` to ``end``; those before ``fresh`` repeat the end of the chunk before."""

    start: int
    fresh: int
    end: int


class _Atom(NamedTuple):
    """A piece that stays whole: where it ends, how good a place to cut that is, and its tokens."""

    end: int
    strength: int
    tokens: int


def chunks(
    text: str,
    *,
    tokens: int,
    overlap: int = 0,
    count: Callable[[str], int] = count_tokens,
    start: int = 0,
    end: int | None = None,
) -> list[Chunk]:
    """The chunks of ``text[start:end]``, in order.

    Each counts at most ``tokens``, of which at most ``overlap`` repeat the chunk before. What is fresh in each,
    ``text[chunk.fresh:chunk.end]``, joins to the whole text again. Takes time in proportion to the text's length. A single
    character that counts more than ``tokens`` (a family emoji where 3 are allowed) is cut all the same. What ``count`` counts
    around every text, as a model's own counter does, is counted once a chunk.

    Raises ``InvalidRequest`` where ``tokens`` is less than 1, or ``overlap`` is not less than ``tokens``.
    """
    if tokens < 1 or not 0 <= overlap < tokens:
        raise InvalidRequest(f"A chunk of {tokens} tokens cannot overlap by {overlap}: 0 <= overlap < tokens is needed.")
    marks = count("")
    limit = max(tokens - marks, 1)
    cutter = _Cutter(text, limit, min(overlap, limit - 1), (lambda piece: count(piece) - marks) if marks else count)
    return list(cutter.cut(start, len(text) if end is None else end))


@dataclass(frozen=True, slots=True)
class _Cutter:
    text: str
    limit: int
    overlap: int
    count: Callable[[str], int]

    def cut(self, start: int, end: int) -> Iterator[Chunk]:
        atoms = list(self._atoms(start, end))
        first, fresh, begin = 0, start, start
        while first < len(atoms):
            last = self._fill(atoms, first, fresh, begin)
            if last == first and begin < fresh:
                begin = fresh
                continue
            last = max(last, first + 1)
            stop = atoms[last - 1].end
            yield Chunk(begin, fresh, stop)
            begin = self._overlap(begin, stop) if last < len(atoms) else stop
            first, fresh = last, stop

    def _fill(self, atoms: list[_Atom], first: int, fresh: int, begin: int) -> int:
        """The atom before which to cut, so that ``text[begin:]`` up to there is within the limit; ``first`` where none fits."""
        used = self.count(self.text[begin:fresh]) if begin < fresh else 0
        last, sums = first, []
        while last < len(atoms) and used + atoms[last].tokens <= self.limit:
            used += atoms[last].tokens
            sums.append(used)
            last += 1
        if last < len(atoms) and last > first:
            last = self._best(atoms, first, last, sums)
        while last > first and self.count(self.text[begin : atoms[last - 1].end]) > self.limit:
            last -= 1
        return last

    def _best(self, atoms: list[_Atom], first: int, last: int, sums: list[int]) -> int:
        """Of the places in the fuller half of what fits, the last among the strongest."""
        half = sums[-1] / 2
        places = (place for place in range(last, first, -1) if sums[place - first - 1] >= half)
        return max(places, key=lambda place: atoms[place - 1].strength)

    def _overlap(self, begin: int, stop: int) -> int:
        """Where the next chunk begins: the first place that leaves at most ``overlap`` tokens to repeat, at a sentence if one
        is.
        """
        if not self.overlap:
            return stop
        floor = max(begin, stop - 8 * self.overlap)
        places = [stop, *(place for place in range(stop - 1, floor, -1) if self._parts(place))]
        low, high = 0, len(places) - 1
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.count(self.text[places[middle] : stop]) <= self.overlap
            low, high = (middle, high) if fits else (low, middle - 1)
        sentences = (place for place in places[low:0:-1] if self.text[floor:place].rstrip(" ")[-1:] in _ENDS)
        return next(sentences, places[low])

    def _parts(self, place: int) -> bool:
        before, after = self.text[place - 1], self.text[place]
        parts = before.isspace() or before in _ENDS or after > "\u0e00"
        return parts and not after.isspace() and after not in _CLOSERS and is_boundary(self.text, place)

    def _atoms(self, start: int, end: int) -> Iterator[_Atom]:
        for offset, stop in _paragraphs(self.text, start, end):
            first = offset
            for _, last in sentence_spans(self.text[offset:stop]):
                place = offset + last
                if place == stop or is_boundary(self.text, place):
                    yield from self._divided(first, place, PARAGRAPH if place == stop else SENTENCE)
                    first = place

    def _divided(self, start: int, end: int, strength: int) -> Iterator[_Atom]:
        tokens = self.count(self.text[start:end])
        if tokens <= self.limit:
            yield _Atom(end, strength, tokens)
            return
        while start < end:
            stop, kind = self._piece(start, end)
            yield from self._small(start, stop, strength if stop == end else kind)
            start = stop

    def _piece(self, start: int, end: int) -> tuple[int, int]:
        """Where to end the next small piece of a long sentence, and how good a place that is."""
        stop = start + max(2, self.limit // 4)
        if stop >= end:
            return end, CHARACTER
        half = (start + stop) // 2
        for strength, pattern in _PLACES:
            match = pattern.match(self.text, half, stop)
            if match and is_boundary(self.text, match.end()):
                return match.end(), strength
        back = cut_before(self.text, stop, start)
        return (back if back > start else _cut_after(self.text, stop, end)), CHARACTER

    def _small(self, start: int, end: int, strength: int) -> Iterator[_Atom]:
        tokens = self.count(self.text[start:end])
        if tokens <= self.limit or end - start == 1:
            yield _Atom(end, strength, tokens)
            return
        half = (start + end) // 2
        middle = cut_before(self.text, half, start)
        middle = middle if middle > start else _cut_after(self.text, half, end)
        middle = middle if middle < end else half
        yield from self._small(start, middle, CHARACTER)
        yield from self._small(middle, end, strength)


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _PARAGRAPH.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    if start < end:
        yield start, end


def _cut_after(text: str, position: int, ceiling: int) -> int:
    """The first place after ``position`` where the text may be cut; ``ceiling`` where there is none before it."""
    while position < ceiling and not is_boundary(text, position):
        position += 1
    return position
