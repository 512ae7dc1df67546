"""Text into comparable terms: one spelling for each word, and short character runs where a script has no spaces.

Policy, the same for documents and queries:

* Compatibility forms are one (NFKC): ``ＡＢＣ`` is ``abc``, ``ﾊﾝｶｸ`` is ``ハンカク``. Case and accents do not count; Japanese
  voicing marks do. Invisible characters and variation selectors are dropped.
* Variants of one Chinese character that Japanese names and old prints keep apart are one (``VARIANTS``): ``髙`` is ``高``.
* Spaced scripts give words. Plain Latin words lose their English endings (``modelhub.retrieval.stemming``).
* Scripts without spaces give overlapping pairs of characters; a Chinese character also counts alone, for it is a word or
  nearly one, while a lone kana is only a sound. Korean, whose particles stick to its words, gives pairs too. Thai, Lao, Khmer
  and Myanmar characters are taken with the signs above and below them.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from modelhub.retrieval.stemming import stem

__all__ = ["VARIANTS", "terms"]

VARIANTS = str.maketrans(
    "髙﨑𠮷濵濱邊邉齋齊澤櫻廣國學會德惠眞實圓圖藝與變應應體經總數發圍對點團獨區醫號舊",
    "高崎吉浜浜辺辺斎斉沢桜広国学会徳恵真実円図芸与変応応体経総数発囲対点団独区医号旧",
)
"""Old and name forms of Chinese characters, and the form each is read as. Not a complete table of either."""

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
_HANGUL = "\uac00-\ud7a3\u1100-\u11ff"
_SOUTHEAST = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3"
_SOUTHEAST_SIGNS = (
    "\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u105e-\u1060\u17b4-\u17d3"
)
_UNSPACED = _HAN + _KANA + _HANGUL + _SOUTHEAST
_MARKS = "\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0f35-\u0f39\u0f71-\u0f87\u0f90-\u0fbc"

_WORD = re.compile(f"[{_UNSPACED}]++|(?:[^\\W_{_UNSPACED}]++[{_MARKS}]*+)++")
_RUN = re.compile(f"[{_UNSPACED}]")
_IDEOGRAPH = re.compile(f"[{_HAN}]")
_SIGNED = re.compile(f"[{_SOUTHEAST}]")
_CLUSTER = re.compile(f"[^{_SOUTHEAST_SIGNS}][{_SOUTHEAST_SIGNS}]*+|[{_SOUTHEAST_SIGNS}]++")
_INVISIBLE = re.compile("[\u00ad\u200c\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile(r"(?<=\w)['’]s\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def terms(text: str) -> list[str]:
    """The terms of a text, in its order, repeated as often as they occur; empty where it has neither letters nor digits."""
    found: list[str] = []
    for word in _WORD.findall(_folded(text)):
        if word < "\u0e00":
            found.append(stem(word))
        elif _RUN.match(word):
            found.extend(_pairs(word))
        else:
            found.append(word)
    return found


def _folded(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(VARIANTS)
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    return _THOUSANDS.sub("", _POSSESSIVE.sub("", text.casefold()))


def _pairs(run: str) -> list[str]:
    units = _CLUSTER.findall(run) if _SIGNED.search(run) else run
    if len(units) == 1:
        return [run]
    pairs = [first + second for first, second in pairwise(units)]
    return pairs + _IDEOGRAPH.findall(run)
