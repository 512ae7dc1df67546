"""Summing: several answers to the parts of one request, counted as one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from modelhub.model import Response, Usage

__all__ = ["summed"]

ResponseT = TypeVar("ResponseT", bound=Response)
_COUNTS = tuple(name for name in Usage.__dataclass_fields__ if name != "source")


def summed(answers: Sequence[ResponseT]) -> ResponseT:
    """The first answer with the usage, the cost, the attempts and the notices of all; what one does not tell is unknown."""
    costs = [answer.cost for answer in answers]
    known = [cost for cost in costs if cost is not None]
    return replace(
        answers[0],
        usage=_total([answer.usage for answer in answers]),
        cost=sum(known, Decimal(0)) if len(known) == len(costs) else None,
        unpriced=next((answer.unpriced for answer in answers if answer.unpriced), None),
        notices=tuple(dict.fromkeys(notice for answer in answers for notice in answer.notices)),
        attempts=tuple(attempt for answer in answers for attempt in answer.attempts),
        raw=tuple(answer.raw for answer in answers),
    )


def _total(usages: list[Usage]) -> Usage:
    counts: dict[str, Any] = {}
    for name in _COUNTS:
        used = [getattr(usage, name) for usage in usages]
        counts[name] = None if None in used else sum(used)
    estimated = any(usage.source == "estimated" for usage in usages)
    return Usage(**counts, source="estimated" if estimated else "provider")
