"""How many tokens a text has, about, without any model's vocabulary.

Each match of one pattern is taken for one token: up to five or six Latin letters of a word, a digit, up to two marks, two
letters of a Cyrillic word, one character of most other scripts; the letters that Polish, Turkish and Czech add to the Latin
ones, and characters that byte-pair vocabularies cut into their bytes, count for more. The weights were chosen so that the
vocabularies since 2022 (100,000 entries and more) count less: this errs upward, by a third for English and for code, by more
where a newer vocabulary knows a script well.
"""

from __future__ import annotations

import re

__all__ = ["count_tokens"]

_TOKEN = re.compile(
    r"""
      (?<![a-z]) [A-Z]?[a-z]{1,5} | [A-Z]{1,3} | [a-z]{1,3}
    | [0-9] | [ ](?=[0-9])
    | [\n\r]+ | [ \t]{2,16} | [!-/:-@\[-`{-~]{1,2}
    | [\u0400-\u052f]{1,2}
    | [^\x00-\x7f\u0400-\u052f\s]
    | [\u3000\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x1f\x7f]
    """,
    re.VERBOSE,
)
_PIECE = 1 << 15
"""Characters that are looked at in one go, in which no other thread can run: some milliseconds."""
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[\u0100-\u017f]")
_SLIGHTLY_MORE = re.compile("[\u0400-\u052f\u0e00-\u0e7f]")
_HALF_MORE = re.compile("[\u0370-\u03ff\u0530-\u05ff\u0700-\u0df3\uac00-\ud7a3]")
_TWICE_MORE = re.compile("[\u0700-\u08ff\u0e80-\u1dff\u2190-\u2dff\ua000-\uabff\ud7b0-\uf8ff\ufe00-\ufeff\uff10-\uff9f]")
_THRICE_MORE = re.compile("[\U00010000-\U0010ffff]")


def count_tokens(text: str) -> int:
    """The number of tokens, estimated from above: rarely, and by less than a tenth, lower than a real vocabulary's.

    Takes time in proportion to the text's length: some 8 MB of English a second. Other threads run meanwhile.
    """
    return sum(_count(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def _count(text: str) -> int:
    count = len(_TOKEN.findall(text))
    if text.isascii():
        return count
    more = 0.55 * len(_HAN.findall(text)) + 0.08 * len(_SLIGHTLY_MORE.findall(text)) + 0.5 * len(_HALF_MORE.findall(text))
    more += 1.2 * len(_LATIN.findall(text)) + 2 * len(_TWICE_MORE.findall(text)) + 2 * len(_THRICE_MORE.findall(text))
    return count + int(more + 0.999)
