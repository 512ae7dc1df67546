"""Sets of characters as ranges of code points, and how a grammar of strings in JSON writes them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["ANY", "KINDS", "Ranges", "union", "without", "written"]

Ranges = tuple[tuple[int, int], ...]
"""First and last of each, in order, without overlaps."""


def union(*sets: Iterable[tuple[int, int]]) -> Ranges:
    """What is in any of them."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(pair for ranges in sets for pair in ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def without(whole: Ranges, part: Ranges) -> Ranges:
    """What is in the first alone."""
    left = list(whole)
    for first, last in part:
        cut = [((low, min(high, first - 1)), (max(low, last + 1), high)) for low, high in left]
        left = [(low, high) for pair in cut for low, high in pair if low <= high]
    return union(left)


def _of(text: str) -> Ranges:
    """``"a-z_"``: ranges as they stand in a pattern."""
    pairs = [(ord(text[at]), ord(text[at + 2])) for at in range(len(text) - 2) if text[at + 1] == "-"]
    inside = {place for at in range(len(text) - 2) if text[at + 1] == "-" for place in (at, at + 1, at + 2)}
    return union(pairs, ((ord(char), ord(char)) for at, char in enumerate(text) if at not in inside))


_PLAIN: Ranges = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E), (0xA0, 0xD7FF), (0xE000, 0x10FFFF))
"""What stands in a JSON string as itself."""
_ESCAPED = {'"': '"', "\\": "\\", "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
"""What stands there behind a backslash, and as which letter."""
_BACKSLASH = r"[\x5c]"
_SPACES = union(_of(" \x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"), ((0x09, 0x0D),))

ANY = without(union(_PLAIN, _of('"\\')), _of("\u0085\u2028\u2029"))
"""What a dot stands for, and of which a class that is turned round leaves out some."""
_DIGITS = _of("0-9")
_WORD = union(_DIGITS, _of("A-Za-z_À-ÖØ-öø-ɏΑ-ΡΣ-ωА-яא-תء-غก-ะअ-हぁ-ゖァ-ヺーヽヾゝゞ々一-鿯가-힣"))
_NO_WORD = union(_of(" !#$%&'()*+,./:;<=>?@[]^`{|}~、。「」『』【】〈〉《》〜！？（）：；，．"), _of("-"))
KINDS = {
    "d": _DIGITS,
    "D": union(without(_WORD, _DIGITS), _NO_WORD),
    "w": _WORD,
    "W": _NO_WORD,
    "s": _of(" \u3000"),
    "S": without(ANY, _SPACES),
}
"""By the letter behind a backslash, the characters that every dialect of patterns knows for this, or a good part of them."""


def written(characters: Ranges) -> str:
    """One of these characters, as it is written in JSON; an empty text where there is none."""
    plain = without(_PLAIN, without(_PLAIN, characters))
    letters = [letter for char, letter in _ESCAPED.items() if any(low <= ord(char) <= high for low, high in characters)]
    parts = [_class(plain)] if plain else []
    if letters:
        parts.append(_BACKSLASH + _class(_of_each(letters)))
    return parts[0] if len(parts) == 1 and not letters else f"({'|'.join(parts)})" if parts else ""


def _of_each(letters: list[str]) -> Ranges:
    return union((ord(letter), ord(letter)) for letter in letters)


def _class(ranges: Ranges) -> str:
    """A class, or a letter by itself; nothing in it needs a backslash that another reader would not know."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and _is_letter(ranges[0][0]):
        return chr(ranges[0][0])
    return f"[{''.join(_end(low) if low == high else f'{_end(low)}-{_end(high)}' for low, high in ranges)}]"


def _end(point: int) -> str:
    if _is_letter(point) or point > 0xFFFF:
        return chr(point)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def _is_letter(point: int) -> bool:
    return point < 0x80 and chr(point).isalnum()
