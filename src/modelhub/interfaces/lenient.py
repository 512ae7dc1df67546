"""Where the JSON of an answer may be, and what it may be wrapped in: models are asked for JSON alone and send more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

__all__ = ["candidates"]


def candidates(text: str) -> Iterator[str]:
    """JSON texts that may be meant, the likeliest first.

    The text itself; what follows the reasoning; what stands in a Markdown fence; from the first bracket to the last; each JSON
    value among the prose; and at last the same with commas before a closing bracket left out.
    """
    given = text.strip().removeprefix("\ufeff").strip()
    yield given
    bare = given.rpartition("</think>")[2].strip()
    found = dict.fromkeys((bare, *(block.strip() for block in _FENCED.findall(bare)), *_bracketed(bare)))
    yield from (one for one in found if one != given)
    yield from _among_prose(bare)
    for one in found:
        if (mended := _mended(one)) != one:
            yield mended


def _bracketed(text: str) -> list[str]:
    return [match.group() for match in _BRACKETED.finditer(text)]


def _among_prose(text: str) -> Iterator[str]:
    """Objects and lists that stand in the text, the longest first."""
    decoder, values, place = json.JSONDecoder(), [], 0
    for _ in range(_MOST_TRIES):
        opening = _OPENING.search(text, place)
        if opening is None:
            break
        start = opening.start()
        try:
            _, place = decoder.raw_decode(text, start)
            values.append(text[start:place])
        except (ValueError, RecursionError):
            place = start + 1
    yield from sorted(values, key=len, reverse=True)


def _mended(text: str) -> str:
    """Without the commas that stand before a closing bracket, outside of strings."""
    return _STRING_OR_COMMA.sub(lambda match: match.group("string") or "", text)


_FENCED = re.compile(r"```[A-Za-z]*\s?(.*?)```", re.DOTALL)
_BRACKETED = re.compile(r"\{.*\}|\[.*\]", re.DOTALL)
_OPENING = re.compile(r"[\[{]")
_STRING_OR_COMMA = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|,(?=\s*[\]}])', re.DOTALL)
_MOST_TRIES = 200
