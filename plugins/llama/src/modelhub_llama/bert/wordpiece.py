"""Texts as the numbers of a BERT's pieces: cleaned, cut into words, and each word into the longest pieces there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["TOKENS", "WordPiece", "wordpiece"]

TOKENS = "tokenizer.ggml.tokens"
"""The key of the pieces in a GGUF header: a long list, to be read ``whole``."""
_MARKS = {"cls": ("bos", "cls"), "sep": ("seperator", "eos"), "unk": ("unknown",), "pad": ("padding",), "mask": ("mask",)}
_USUAL = {"cls": 101, "sep": 102, "unk": 100, "pad": 0, "mask": 103}

_LONGEST_WORD = 100
_REMEMBERED = 100_000
_BEGINS = "\u2581"
_CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def wordpiece(told: Mapping[str, Any]) -> WordPiece | None:
    """The tokeniser that a GGUF header tells of, read with its ``TOKENS``; ``None`` where it is none of a BERT."""
    pieces = told.get(TOKENS)
    if told.get("tokenizer.ggml.model") != "bert" or type(pieces) is not tuple:
        return None
    marks = {mark: _number(told, mark) for mark in _MARKS}
    return WordPiece(
        pieces,
        {mark: number for mark, number in marks.items() if 0 <= number < len(pieces)},
        lower_case=told.get("tokenizer.ggml.normalizer.lowercase", True),
        strip_accents=told.get("tokenizer.ggml.normalizer.strip_accents", True),
    )


def _number(told: Mapping[str, Any], mark: str) -> int:
    """A mark's number, or the one that it has in the vocabulary of the first BERT, as llama.cpp takes it."""
    found = [told[key] for name in _MARKS[mark] if (key := f"tokenizer.ggml.{name}_token_id") in told]
    return int(found[0]) if found else _USUAL[mark]


class WordPiece:
    """The tokeniser of one vocabulary, whose pieces are written as GGUF has them: a low line begins a word."""

    def __init__(self, pieces: Sequence[str], marks: Mapping[str, int], *, lower_case: bool, strip_accents: bool) -> None:
        special = frozenset(marks.values())
        self._starts = {p[1:]: n for n, p in enumerate(pieces) if n not in special and p.startswith(_BEGINS)}
        self._parts = {p: n for n, p in enumerate(pieces) if n not in special and not p.startswith(_BEGINS)}
        self._first, self._last, self._unknown = marks["cls"], marks["sep"], marks["unk"]
        self._marks = {pieces[number]: number for number in special}
        self._cut_at_marks = re.compile("(" + "|".join(map(re.escape, self._marks)) + ")").split
        self._apart = _Apart(lower_case=lower_case, strip_accents=strip_accents)
        self._decompose = strip_accents
        self._known: dict[str, tuple[int, ...]] = {}

    def __call__(self, text: str) -> list[int]:
        """The numbers of a text, between the marks of its beginning and its end."""
        numbers = [self._first]
        for part in self._cut_at_marks(text) if "[" in text else (text,):
            if (mark := self._marks.get(part)) is not None:
                numbers.append(mark)
                continue
            for word in self._words(part):
                numbers += self._known.get(word) or self._learned(word)
        numbers.append(self._last)
        return numbers

    def _words(self, text: str) -> list[str]:
        if self._decompose and not text.isascii():
            text = unicodedata.normalize("NFD", text)
        return text.translate(self._apart).split()

    def _learned(self, word: str) -> tuple[int, ...]:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[word] = numbers = tuple(self._pieces(word)) or (self._unknown,)
        return numbers

    def _pieces(self, word: str) -> list[int]:
        """The longest pieces from left to right; none where one part of the word is in no piece."""
        found: list[int] = []
        start, table = 0, self._starts
        while start < len(word) <= _LONGEST_WORD:
            for end in range(len(word), start, -1):
                number = table.get(word[start:end])
                if number is not None:
                    found.append(number)
                    break
            else:
                return []
            start, table = end, self._parts
        return found


class _Apart(dict[int, str | None]):
    """For ``str.translate``: what each character becomes, worked out when it first comes up."""

    def __init__(self, *, lower_case: bool, strip_accents: bool) -> None:
        self._lower_case = lower_case
        self._strip_accents = strip_accents

    def __missing__(self, code: int) -> str | None:
        self[code] = becomes = self._becomes(chr(code))
        return becomes

    def _becomes(self, character: str) -> str | None:
        category = unicodedata.category(character)
        if character in "\t\n\r" or category == "Zs":
            return " "
        if category[0] == "C" or character == "\ufffd" or (self._strip_accents and category == "Mn"):
            return None
        if _is_chinese(ord(character)) or _is_punctuation(character, category):
            return f" {character} "
        return character.lower() if self._lower_case else character


def _is_chinese(code: int) -> bool:
    return any(first <= code <= last for first, last in _CHINESE)


def _is_punctuation(character: str, category: str) -> bool:
    return category[0] == "P" or (character.isascii() and not character.isalnum())
