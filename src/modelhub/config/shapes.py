"""The outer shape of a value: whether it is what a type hint asks for, and how to say so where it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from modelhub.http import Secret

__all__ = ["advice", "described", "fits", "is_number", "named"]

_NAMES: Mapping[Any, str] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Secret: 'a string or a source like { env = "NAME" }',
}


def fits(hint: Any, value: object) -> bool:
    """Whether a value has the outer shape that a hint asks for; what is inside is checked when it is read."""
    kind = get_origin(hint) or hint
    if kind is Literal:
        return any(type(word) is type(value) and word == value for word in get_args(hint))
    if kind is Secret:
        return isinstance(value, str | Mapping) or hasattr(value, "reveal")
    if kind is str:
        return isinstance(value, str) or (isinstance(value, Mapping) and set(value) == {"env"})
    if is_number(kind):
        shapes = (int,) if kind is int else (int, float) if kind is float else (int, float, str, kind)
        return isinstance(value, shapes) and not isinstance(value, bool)
    if dataclasses.is_dataclass(kind) or kind in (dict, Mapping):
        return isinstance(value, Mapping)
    if isinstance(kind, type) and issubclass(kind, (Sequence, frozenset)):
        return isinstance(value, list | tuple)
    return kind in (Any, object) or (isinstance(kind, type) and isinstance(value, kind))


def is_number(hint: Any) -> bool:
    """Whether it is ``int``, ``float`` or ``Decimal``, without importing the last, which costs 2 ms."""
    return hint is int or hint is float or (getattr(hint, "__module__", "") == "decimal" and hint.__name__ == "Decimal")


def named(hint: Any) -> str:
    """What a hint accepts, in words."""
    if get_origin(hint) is Literal:
        *most, last = (repr(word) for word in get_args(hint))
        return f"{', '.join(most)} or {last}" if most else last
    if hint in _NAMES or is_number(hint):
        return _NAMES.get(hint, "a number")
    kind = get_origin(hint) or hint
    if dataclasses.is_dataclass(kind) or kind in (dict, Mapping):
        return "a table"
    if isinstance(kind, type) and issubclass(kind, (Sequence, frozenset)):
        return "a list"
    return f"a {getattr(kind, '__name__', kind)}"


def described(value: object) -> str:
    """What a value is, in words that do not show it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
    return f"a {type(value).__name__}"


def advice(expected: str, value: object) -> str:
    """How to write it, where a value differs from what it should be by its quotes or brackets alone."""
    if isinstance(value, str) and expected == _NAMES[bool] and value.lower() in ("true", "false"):
        return f" Write {value.lower()}, without quotes."
    if isinstance(value, str) and "number" in expected and value.replace(".", "", 1).isdecimal():
        return " Write the number without quotes."
    if expected.startswith(_NAMES[str]) and hasattr(value, "isoformat"):
        return f' Put it in quotes: "{value}".'
    return " Put it in brackets: [ ... ]." if expected == "a list" and isinstance(value, str) else ""
