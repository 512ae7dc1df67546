"""Requests from a caller's words: what every kind checks before it makes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from modelhub.errors import InvalidRequest, did_you_mean
from modelhub.model import Request

__all__ = ["checked", "made"]

RequestT = TypeVar("RequestT", bound=Request)


def made(kind: type[RequestT], options: Mapping[str, Any], **content: Any) -> RequestT:
    """A request of that kind. Raises ``InvalidRequest`` for an option it does not take."""
    checked(options, kind.__dataclass_fields__.keys() - content.keys())
    return kind(**content, **options)


def checked(options: Mapping[str, Any], known: frozenset[str] | set[str]) -> None:
    """Refuse an option that is not known, with the one that may have been meant."""
    if unknown := options.keys() - known:
        name = min(unknown)
        hint = did_you_mean(name, sorted(known)) or f" Known: {', '.join(sorted(known))}."
        raise InvalidRequest(f"There is no option {name!r}.{hint}")
