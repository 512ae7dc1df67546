"""What the words that make a sentence a question say: that it is one, and whether a number or a date would answer it."""

from __future__ import annotations

import re

__all__ = ["asks_for_number", "numbers", "without_asking"]

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
_ASKING = re.compile(
    r"""
      \b (?: what | which | who | whom | whose | where | when | why | how ) (?: 's | ’s )? \b
    | \b (?: do | does | did ) \b
    | (?: です | ます | でしょう | ました | でした | のです ) か | [何誰] | どの | どこ | どれ | どう | いつ | だれ | なぜ
    | [？?]
    | 什么 | 什麼 | 哪[些个一里儿]? | 谁 | 誰 | 多少 | 怎么 | 怎麼 | 如何 | 为何 | 为什么
    | [吗嗎呢]
    | \b (?: что | чем | чего | как\w{0,3} | котор\w+ | кто | ко[гм][оу] | где | куда | когда | почему ) \b
    | \b сколько \b
    | อะไร | ใคร | ที่ไหน | เมื่อไร | เมื่อไหร่ | เมื่อใด | ทำไม | อย่างไร | เท่าไร | เท่าไหร่ | เท่าใด | กี่ | ใด | ไหน
    """,
    re.VERBOSE | re.IGNORECASE,
)


def without_asking(question: str) -> str:
    """The question without its question words: no answer repeats them. The whole question where nothing else is left."""
    rest = _ASKING.sub(" ", question)
    return rest if any(letter.isalnum() for letter in rest) else question


def asks_for_number(question: str) -> bool:
    """Whether the question asks how many, how much, how long, or when."""
    return _ASKS.search(question) is not None


def numbers(text: str) -> set[str]:
    """The numbers that a text names."""
    return set(_NUMBER.findall(text))
