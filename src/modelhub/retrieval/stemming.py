"""Words without their endings, so that a question in one form finds a text in another.

Plain Latin letters: M. F. Porter's algorithm of 1980 for English, written from its published description. In another language
such a word may lose a letter or two, in the documents and in the query alike, which does little harm and some good. Cyrillic
letters: the commonest endings of East Slavic nouns, adjectives and verbs, taken off while three letters stay.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["stem"]

_CONSONANT = "(?:[^aeiouy]|(?<=[aeiou])y|^y)"
_VOWEL = "(?:[aeiou]|(?<![aeiou])(?<!^)y)"
_HAS_VOWEL = re.compile(_VOWEL)
_SEQUENCE = re.compile(f"{_VOWEL}+{_CONSONANT}+")
_SHORT_END = re.compile(f"{_CONSONANT}{_VOWEL}(?:[^aeiouywx])$")
_DOUBLE = re.compile(r"([^aeiouylsz])\1$")
_PLAIN = re.compile("[a-z]{3,}")
_CYRILLIC = re.compile("[а-я]{4,}")

_LONGER = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
_SHORTER = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_DROPPED = re.compile("(?:al|ance|ence|er|ic|able|ible|ant|ement|ment|ent|(?<=[st])ion|ou|ism|ate|iti|ous|ive|ize)$")
_LONGER_END = re.compile(f"(?:{'|'.join(sorted(_LONGER, key=len, reverse=True))})$")
_SHORTER_END = re.compile(f"(?:{'|'.join(sorted(_SHORTER, key=len, reverse=True))})$")


_CYRILLIC_ENDS = """
иями ями ами иях ях ах иям ям ам иеи ов ев еи ии ия ие ию ью ья ье иа а я о е у ю ы и ь
иими ыми ими его ого ему ому ее ие ые ое ои ыи ем им ым ом их ых ую юю ая яя ою ею
уете аете яете ите ете ует уют ают яют ает яет ешь ишь ать ять еть ить ует ют ут ят ат ит ет
ала яла ила ела ыла ало яло ило ело али яли или ели ал ял ил ел ло ла ли ть
"""
_CYRILLIC_END = re.compile(
    f"(?<=...)(?:{'|'.join(sorted(set(_CYRILLIC_ENDS.split()), key=len, reverse=True))})?(?:с[яь])?$",
)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of a lower-case word: ``rotations`` and ``rotating`` give ``rotat``. Other scripts come back as they are."""
    if not _PLAIN.fullmatch(word):
        return _CYRILLIC_END.sub("", word) if _CYRILLIC.fullmatch(word) else word
    word = _without_y(_without_past(_without_plural(word)))
    word = _replaced(word, _LONGER_END, _LONGER)
    word = _replaced(word, _SHORTER_END, _SHORTER)
    return _without_e(_without_suffix(word))


def _measure(word: str) -> int:
    return len(_SEQUENCE.findall(word))


def _without_plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _without_past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    for ending in ("ed", "ing"):
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            return _mended(rest) if _HAS_VOWEL.search(rest) else word
    return word


def _mended(rest: str) -> str:
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if _DOUBLE.search(rest):
        return rest[:-1]
    return rest + "e" if _measure(rest) == 1 and _SHORT_END.search(rest) else rest


def _without_y(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _HAS_VOWEL.search(word[:-1]) else word


def _replaced(word: str, ending: re.Pattern[str], table: dict[str, str]) -> str:
    match = ending.search(word)
    if match is None or not _measure(word[: match.start()]):
        return word
    return word[: match.start()] + table[match.group()]


def _without_suffix(word: str) -> str:
    match = _DROPPED.search(word)
    return word[: match.start()] if match and _measure(word[: match.start()]) > 1 else word


def _without_e(word: str) -> str:
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _SHORT_END.search(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word
