"""What a reader sees as one character, though it is several: where a text must not be cut.

Follows the extended grapheme clusters of Unicode (annex 29) as far as the standard library's tables reach: combining marks,
joined and coloured emoji, flags, Hangul syllables in pieces, Thai and Lao signs, line ends of two characters.
"""

from __future__ import annotations

import unicodedata

__all__ = ["cut_before", "is_boundary"]

_ZERO_WIDTH_JOINER = "\u200d"
_ATTACHED = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")
_PREPENDED = frozenset(map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)))
_REGIONALS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
_MARKS = frozenset({"Mn", "Me", "Mc"})


def is_boundary(text: str, position: int) -> bool:
    """Whether the text may be cut at ``position`` without parting what is seen as one character."""
    if not 0 < position < len(text):
        return True
    before, after = text[position - 1], text[position]
    if after < "\u0300" and before < "\u0300":
        return not (before == "\r" and after == "\n")
    if before < " ":
        return True
    if _is_attached(after) or before in _PREPENDED:
        return False
    if before == _ZERO_WIDTH_JOINER:
        return not (after >= "\u2190" and unicodedata.category(after) in ("So", "Sk"))
    if _is_regional(before) and _is_regional(after):
        return _regionals_before(text, position) % 2 == 0
    return not _is_one_syllable(before, after)


def cut_before(text: str, position: int, floor: int = 0) -> int:
    """The last place at or before ``position``, and after ``floor``, where the text may be cut; ``floor`` where there is
    none.
    """
    while position > floor and not is_boundary(text, position):
        position -= 1
    return position


def _is_attached(character: str) -> bool:
    return (
        character in _ATTACHED
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or unicodedata.category(character) in _MARKS
    )


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regionals_before(text: str, position: int) -> int:
    """How many letters of flags stand in a row before ``position``; rows of more than 1,000 flags are not followed further."""
    near = text[max(0, position - 2000) : position]
    return len(near) - len(near.rstrip(_REGIONALS))


def _is_one_syllable(before: str, after: str) -> bool:
    match _hangul(before), _hangul(after):
        case ("L", "L" | "V" | "LV" | "LVT") | ("V" | "LV", "V" | "T") | ("T" | "LVT", "T"):
            return True
        case _:
            return False


def _hangul(character: str) -> str:
    if "\u1100" <= character <= "\u115f" or "\ua960" <= character <= "\ua97c":
        return "L"
    if "\u1160" <= character <= "\u11a7" or "\ud7b0" <= character <= "\ud7c6":
        return "V"
    if "\u11a8" <= character <= "\u11ff" or "\ud7cb" <= character <= "\ud7fb":
        return "T"
    if "\uac00" <= character <= "\ud7a3":
        return "LV" if (ord(character) - 0xAC00) % 28 == 0 else "LVT"
    return ""
