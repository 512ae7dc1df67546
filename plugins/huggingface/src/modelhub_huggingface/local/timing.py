"""Words and their times: of the tokens of a sentence, or of the moments at which letters were heard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from modelhub.plugin import Segment, Word

__all__ = ["sentences", "spoken_words"]

_WITHOUT_SPACES = ("ja", "zh", "yue", "th", "lo", "my", "km", "bo")
_OPENING = "\"'“‘¡¿([{-「『（"
_CLOSING = "\"'.。,，!！?？:：”’)]}、」』）"
_PAUSE = 0.6
_LONGEST = 7.0
"""Seconds: at such a pause, or after so long, begins what is shown as the next line."""


def spoken_words(
    tokenizer: Any,
    tokens: Sequence[int],
    times: Sequence[float],
    within: tuple[float, float],
    start: float,
    language: str | None,
) -> Iterator[Word]:
    """The words of a sentence whose tokens begin at these times; none begins or ends outside of it.

    Where a language has no spaces, a word is what the model has as one. ``start`` is added to every time.
    """
    said = [(token, time) for token, time in zip(tokens, times, strict=False) if token < tokenizer.eos_token_id]
    first, last = within
    earliest = first
    words = list(_words(_letters(tokenizer, [token for token, _ in said]), (language or "") in _WITHOUT_SPACES))
    for (text, begin, _), following in pairwise([*words, ("", len(said), 0)]):
        begins = min(max(said[begin][1], earliest), last)
        ends = min(max(said[following[1]][1], begins), last) if following[1] < len(said) else last
        earliest = begins
        if text.strip():
            yield Word(start + begins, start + ends, text.strip())


def _letters(tokenizer: Any, tokens: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Texts of as few tokens as make whole letters, and which tokens these are."""
    begin = 0
    for end in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[begin:end])
        if "\ufffd" not in text or end == len(tokens):
            yield text, begin, end
            begin = end


def _words(letters: Iterator[tuple[str, int, int]], without_spaces: bool) -> Iterator[tuple[str, int, int]]:
    """Letters put together: with what has no space before it, and marks with the word that they stand at."""
    held: tuple[str, int, int] | None = None
    for text, begin, end in letters:
        mark = text.strip()
        closes = bool(mark) and mark in _CLOSING and not text.startswith(" ")
        opened = held is not None and bool(held[0].strip()) and held[0].strip() in _OPENING
        begins = text.startswith(" ") or without_spaces or (bool(mark) and mark in _OPENING)
        if held is None:
            held = (text, begin, end)
        elif closes or opened or not begins:
            held = (held[0] + text, held[1], end)
        else:
            yield held
            held = (text, begin, end)
    if held is not None:
        yield held


def sentences(words: Sequence[Word]) -> Iterator[Segment]:
    """Words as lines to be shown, a space before each: a pause, or too long a line, begins another."""
    line: list[Word] = []
    for word in words:
        if line and (word.start - line[-1].end >= _PAUSE or word.end - line[0].start > _LONGEST):
            yield _line(line)
            line = []
        line.append(word)
    if line:
        yield _line(line)


def _line(words: Sequence[Word]) -> Segment:
    return Segment(words[0].start, words[-1].end, "".join(f" {word.text}" for word in words))
