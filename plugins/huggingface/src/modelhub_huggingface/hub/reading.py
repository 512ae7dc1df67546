"""Values as anybody may have written them: one where several are meant, a list where there is one, the wrong kind, nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["count", "languages", "tables", "text", "texts", "under"]

_MOST = 200
_LONGEST = 300


def text(value: Any) -> str | None:
    """One line; a list's first; ``None`` where there is none."""
    if isinstance(value, list):
        return next((found for inner in value[:_MOST] if (found := text(inner)) is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split())[:_LONGEST] or None


def texts(value: Any) -> tuple[str, ...]:
    """Each once, in their order; of tables in a list, their names."""
    values = value[:_MOST] if isinstance(value, list) else [value]
    named = (inner.get("name") or inner.get("id") if isinstance(inner, Mapping) else inner for inner in values)
    return tuple(dict.fromkeys(found for inner in named if (found := text(inner)) is not None))


def languages(value: Any) -> tuple[str, ...]:
    """The tags of languages. What YAML took for ``False`` was ``no``, which is Norwegian."""
    values = value[:_MOST] if isinstance(value, list) else [value]
    return texts(["no" if tag is False else tag for tag in values])


def under(value: Any, *path: str) -> Mapping[str, Any]:
    """The table within tables; empty where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def tables(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The tables of a list, or the one table; whatever is none is left out."""
    values = value if isinstance(value, list) else [value]
    return tuple(inner for inner in values if isinstance(inner, Mapping))


def count(value: Any) -> int | None:
    """A whole number from 0; ``None`` for anything else."""
    return value if type(value) is int and value >= 0 else None
