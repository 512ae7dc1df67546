"""Where the JSON of an answer may be, and what it may be wrapped in: models are asked for JSON alone and send more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

__all__ = ["candidates"]


def candidates(text: str) -> Iterator[str]:
    """JSON texts that may be meant, the likeliest first.

    The text itself; what follows the reasoning, and there: what stands in a Markdown fence, from the first bracket to the last,
    each JSON value among the prose; the same with reasoning; and at last with commas before a closing bracket left out.
    """
    given = text.strip().removeprefix("\ufeff").strip()
    yield given
    found: dict[str, None] = {}
    for bare in _without_reasoning(given):
        parts = dict.fromkeys((bare, *(block.strip() for block in _FENCED.findall(bare)), *_bracketed(bare)))
        yield from (one for one in parts if one not in found)
        yield from _among_prose(bare)
        found |= parts
    for one in found:
        if (mended := _mended(one)) != one:
            yield mended


def _without_reasoning(text: str) -> Iterator[str]:
    """What follows the reasoning, the mark of whose end may stand in the answer, too; and all of it, should there be none."""
    if text.startswith("<think>"):
        yield text.partition("</think>")[2].strip()
    if "</think>" in text:
        yield text.rpartition("</think>")[2].strip()
    yield text


def _bracketed(text: str) -> list[str]:
    """From the first bracket to the last of its kind."""
    spans = ((text.find(opening), text.rfind(closing) + 1) for opening, closing in ("{}", "[]"))
    return [text[start:end] for start, end in sorted(spans) if 0 <= start < end]


def _among_prose(text: str) -> Iterator[str]:
    """Objects and lists that stand in the text, the longest first; of two as long, the later one."""
    decoder, place = json.JSONDecoder(), 0
    values: list[str] = []
    for _ in range(_MOST_TRIES):
        opening = _OPENING.search(text, place)
        if opening is None:
            break
        start = opening.start()
        try:
            _, place = decoder.raw_decode(text, start)
            values.insert(0, text[start:place])
        except (ValueError, RecursionError):
            place = start + 1
    yield from sorted(values, key=len, reverse=True)


def _mended(text: str) -> str:
    """Without the commas that stand before a closing bracket, outside of strings."""
    return _STRING_OR_COMMA.sub(lambda match: match.group("string") or "", text)


_FENCED = re.compile(r"```[A-Za-z]*\s?(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")
_STRING_OR_COMMA = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|,(?=\s*[\]}])', re.DOTALL)
_MOST_TRIES = 200
