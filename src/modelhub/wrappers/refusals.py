"""Refusals: what a provider's refusal of several texts is about: their number, the length of one, or something in one."""

from __future__ import annotations

import re
from typing import TypeVar

from modelhub.errors import BadRequest, ContentFiltered, ContextOverflow, ModelhubError

__all__ = ["REFUSALS", "about", "counts_texts", "too_long", "too_much"]

REFUSALS = (BadRequest, ContextOverflow, ContentFiltered)
"""The errors that one text among many may be to blame for."""

ErrorT = TypeVar("ErrorT", bound=ModelhubError)
_NUMBER = re.compile(
    r"too many (?:inputs|items|texts|documents|elements)|batch[ _]size|array too long"
    r"|(?:maximum|max)\b.{0,30}\b(?:inputs|items|texts|array)|at most \d+ (?:inputs|items|texts)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"max_tokens_per_request|per request|too large|too big", re.IGNORECASE)
_LENGTH = re.compile(
    r"too long|too many tokens|token limit|(?:maximum|less than|at most|exceed\w*)\b.{0,40}\btokens|too large", re.IGNORECASE
)


def counts_texts(refusal: ModelhubError) -> bool:
    """Whether it says that there are too many texts."""
    return _NUMBER.search(refusal.message) is not None


def too_much(refusal: ModelhubError) -> bool:
    """Whether it says that the request holds too much in all."""
    too_large = getattr(refusal, "status", None) == 413
    return too_large or counts_texts(refusal) or _AMOUNT.search(refusal.message) is not None


def too_long(refusal: ModelhubError) -> bool:
    """Whether it says, of a single text, that it is too long."""
    too_large = isinstance(refusal, ContextOverflow) or getattr(refusal, "status", None) == 413
    return too_large or _LENGTH.search(refusal.message) is not None


def about(place: int, error: ErrorT) -> ErrorT:
    """The error, naming the text that it is about."""
    error.position = place
    error.args = (f"inputs[{place}]: {error.message}",)
    return error
