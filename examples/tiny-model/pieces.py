"""The words of the model's language: single characters, bytes for those that are rare, and what often stands together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SPACE = "\u2581"  # how a vocabulary of this kind writes a space
SPECIALS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
UNKNOWN, BEGIN, END, TURN, OVER = range(len(SPECIALS))
FIRST_BYTE = len(SPECIALS)
FIRST_PIECE = FIRST_BYTE + 256
_UNIT = re.compile(rf"{SPACE}?\w+|{SPACE}?[^\w{SPACE}]+|{SPACE}")


@dataclass(frozen=True)
class Pieces:
    """A vocabulary. Texts are cut as llama.cpp cuts them: the pair of neighbours whose union comes first in the list is
    joined, again and again; a character that is not in the list becomes its bytes.
    """

    words: tuple[str, ...]
    """In the order in which they were learnt: characters, then unions."""
    _known: dict[str, list[int]] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        return FIRST_PIECE + len(self.words)

    @classmethod
    def learn(cls, texts: Iterable[str], size: int) -> Pieces:
        """Join the most frequent pair of neighbours, until the vocabulary has ``size`` entries."""
        units = Counter(unit for text in texts for unit in _units(text))
        characters = Counter(c for unit, count in units.items() for c in unit * count)
        words = [c for c, count in characters.most_common() if count >= 8]
        cut = {unit: list(unit) for unit in units}
        while FIRST_PIECE + len(words) < size:
            pairs: Counter[tuple[str, str]] = Counter()
            for unit, parts in cut.items():
                for pair in pairwise(parts):
                    pairs[pair] += units[unit]
            if not pairs:
                break
            (left, right), _ = max(pairs.items(), key=lambda item: (item[1], item[0]))
            if left + right not in words:
                words.append(left + right)
            for unit, parts in cut.items():
                if left + right in unit:
                    cut[unit] = _joined(parts, left + right)
        return cls(tuple(words))

    def encode(self, text: str) -> list[int]:
        """A text without specials as numbers."""
        return [number for unit in _units(text) for number in self._of(unit)]

    def conversation(self, turns: Sequence[tuple[str, str]]) -> list[int]:
        """Turns of (role, text) as the chat template writes them."""
        numbers = [BEGIN]
        for role, text in turns:
            numbers += [TURN, *self.encode(f"{role}\n{text}"), OVER, *self.encode("\n")]
        return numbers

    def question(self, text: str) -> list[int]:
        """What a user asked, up to where the answer begins."""
        return [*self.conversation([("user", text)]), TURN, *self.encode("assistant\n")]

    def _of(self, unit: str) -> list[int]:
        if unit not in self._known:
            rank = {word: n for n, word in enumerate(self.words)}
            parts = list(unit)
            while joins := [pair for a, b in pairwise(parts) if (pair := a + b) in rank]:
                parts = _joined_once(parts, min(joins, key=rank.__getitem__))
            self._known[unit] = [number for part in parts for number in self._numbers(part, rank)]
        return self._known[unit]

    @staticmethod
    def _numbers(part: str, rank: dict[str, int]) -> list[int]:
        if part in rank:
            return [FIRST_PIECE + rank[part]]
        return [FIRST_BYTE + byte for byte in part.replace(SPACE, " ").encode()]


def _units(text: str) -> list[str]:
    """What may become one piece: a word or a run of signs, with the space before it."""
    return _UNIT.findall(text.replace(" ", SPACE))


def _joined(parts: list[str], union: str) -> list[str]:
    """With every pair of neighbours joined that make this union, from the left."""
    found: list[str] = []
    for part in parts:
        if found and found[-1] + part == union:
            found[-1] = union
        else:
            found.append(part)
    return found


def _joined_once(parts: list[str], union: str) -> list[str]:
    for place in range(len(parts) - 1):
        if parts[place] + parts[place + 1] == union:
            return [*parts[:place], union, *parts[place + 2 :]]
    return parts
