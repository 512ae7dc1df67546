"""A request with less time: what is left once something else has taken its part."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from modelhub.plugin import Request

__all__ = ["hurried"]

RequestT = TypeVar("RequestT", bound=Request)


def hurried(request: RequestT, passed: float) -> RequestT:
    """The request with the time that is left for it."""
    total = request.timeouts.total
    if total is None or passed <= 0:
        return request
    return replace(request, timeouts=replace(request.timeouts, total=max(total - passed, 0.001)))
