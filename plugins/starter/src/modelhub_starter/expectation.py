"""What kind of thing a question asks for, as far as its own words say so: whether a number or a date would answer it."""

from __future__ import annotations

import re

__all__ = ["asks_for_number", "numbers"]

_ASKS = re.compile(
    r"""
      \b how \s (?: many | much | long | old | far | large | big | tall | high | often | deep | heavy ) \b
    | \b when \b | \b (?: what | which ) \s (?: year | date | day | time | percent \w* | number | century | age ) \b
    | いつ | いくつ | いくら | 何[年月日時分秒人個件回本台枚歳才円割度点倍番] | どのくらい | どれくらい | どれだけ
    | 多少 | 多大 | 多长 | 多久 | 幾 | 几 | 何时 | 哪[一]?年 | 什么时候 | 什麼時候
    | 언제 | 몇 | 얼마
    | \b (?: сколько | когда | каком\ году | какого\ года | combien | quand | wann | wie\ viele? ) \b
    | \b (?: cuánt\w+ | cuándo | quant[aoi]\w* | quando ) \b
    | กี่ | เท่าไ | เมื่อไ | เมื่อใด | ปีใด | ปีไหน
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+|[一二三四五六七八九十百千万億亿]+(?=[年月日時时人個个件回歳岁円元%％])")


def asks_for_number(question: str) -> bool:
    """Whether the question asks how many, how much, how long, or when."""
    return _ASKS.search(question) is not None


def numbers(text: str) -> set[str]:
    """The numbers that a text names."""
    return set(_NUMBER.findall(text))
