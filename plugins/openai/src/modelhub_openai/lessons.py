"""What a refusal teaches: a host names the body field that it does not take, and from then on it is not sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelhub.plugin import BadRequest, ModelhubError

__all__ = ["KNOB_OF", "Lesson", "lesson"]

KNOB_OF = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop_sequences",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "reasoning_effort": "reasoning_effort",
    "parallel_tool_calls": "parallel_tool_calls",
}
"""The body fields that an answer can do without, and the settings they carry."""
_LIMITS: Mapping[str, Literal["max_tokens", "max_completion_tokens"]] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
_UNKNOWN = (
    r"(?i)unsupported|not supported|does not support|unknown|unrecognized|unrecognised|unexpected|extra inputs|extra fields"
    r"|extra_forbidden|not permitted|not allowed|no such|not available|isn't supported|only the default"
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """``limit`` is the name of the answer's limit, once the other was refused; ``without`` are fields that are not sent."""

    limit: Literal["max_tokens", "max_completion_tokens"] | None = None
    without: frozenset[str] = frozenset()


def lesson(error: ModelhubError, before: Lesson, limit: str) -> Lesson | None:
    """What is known after this refusal; ``None`` where it teaches nothing. ``limit`` is the name that was sent."""
    if not isinstance(error, BadRequest) or error.status not in (400, 422) or not re.search(_UNKNOWN, _words(error)):
        return None
    named = _named(error)
    if error.code == "unsupported_value" and "only the default" not in error.message.lower():
        return None  # another value would do, so the caller is told
    if named == limit and before.limit is None:
        return Lesson(_LIMITS[limit], before.without)
    if named != "stream_options" and named not in KNOB_OF:
        return None
    without = before.without | ({"logprobs", "top_logprobs"} if KNOB_OF.get(named) == "logprobs" else {named})
    return None if without == before.without else Lesson(before.limit, without)


def _words(error: BadRequest) -> str:
    return f"{error.code or ''} {error.message}"


def _named(error: BadRequest) -> str:
    """The field that an error is about: its ``param``, or the first one that its words name."""
    said: Any = error.raw
    inner = said.get("error", said) if isinstance(said, Mapping) else None
    param = inner.get("param") if isinstance(inner, Mapping) else None
    if isinstance(param, str) and param:
        return re.split(r"[.\[]", param.removeprefix("body."))[0]
    found = re.search(_FIELDS, _words(error))
    return found[0] if found else ""


_FIELDS = rf"\b(?:stream_options|max_completion_tokens|max_tokens|{'|'.join(sorted(KNOB_OF, key=len, reverse=True))})\b"
