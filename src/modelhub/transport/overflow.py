"""How servers say that a prompt is too long, and by how much."""

from __future__ import annotations

import re

from modelhub.errors import ContextOverflow

__all__ = ["context_overflow", "overflows"]

_MARKS = (
    "context_length_exceeded",
    "exceed_context_size",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
    "too many input tokens",
    "exceeds the maximum number of tokens",
    "inputs` tokens +",
    "inputs tokens +",
)
_NUMBERS = (
    (
        r"maximum context length (?:is|of) (?P<window>[\d,]+)[^(]*"
        r"\((?P<prompt>[\d,]+) (?:in (?:the|your) (?:messages|prompt)|of text input)"
        r"(?:[,;] (?P<answer>[\d,]+) (?:in|for) the (?:completion|output))?"
    ),
    r"maximum context length (?:is|of) (?P<window>[\d,]+)\D*?(?:requested|resulted in|contains|have)\D*(?P<prompt>[\d,]+)",
    r"prompt is too long: (?P<prompt>[\d,]+) tokens > (?P<window>[\d,]+)",
    r"tokens \((?P<prompt>[\d,]+)\) exceeds? (?:the )?context window of (?P<window>[\d,]+)",
    r"token count \(?(?P<prompt>[\d,]+)\)? exceeds the maximum number of tokens(?: allowed)? \(?(?P<window>[\d,]+)",
    r"must be <= (?P<window>[\d,]+)\. given: (?P<prompt>[\d,]+)",
    r"\((?P<prompt>[\d,]+) tokens\) exceeds the available context size \((?P<window>[\d,]+)",
    r"maximum context length (?:is|of) (?P<window>[\d,]+)",
)


def overflows(words: str) -> bool:
    """Whether a message, in small letters, says that the prompt does not fit."""
    return any(mark in words for mark in _MARKS)


def context_overflow(words: str) -> ContextOverflow:
    """The error, with the numbers of tokens where the message tells them."""
    for pattern in _NUMBERS:
        if found := re.search(pattern, words[:2000], re.IGNORECASE | re.DOTALL):
            told = found.groupdict()
            numbers = {"prompt_tokens": "prompt", "context_window": "window", "max_output_tokens": "answer"}
            return ContextOverflow(words, **{name: _number(told.get(group)) for name, group in numbers.items()})
    return ContextOverflow(words)


def _number(digits: str | None) -> int | None:
    plain = (digits or "").replace(",", "")
    return int(plain) if plain else None
