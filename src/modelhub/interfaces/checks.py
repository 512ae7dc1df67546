"""What an argument may be. What it may not be is refused by its name, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from modelhub.errors import InvalidRequest

__all__ = ["choice", "number", "sendable", "texts", "whole", "word"]


def whole(name: str, value: object, *, least: int | None = None) -> None:
    """A whole number, or ``None``."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f"{name} is {value!r}; it must be a whole number.")
    if least is not None and value < least:
        raise InvalidRequest(f"{name} is {value}; it must be at least {least}.")


def number(
    name: str, value: object, *, least: float | None = None, above: float | None = None, most: float | None = None
) -> None:
    """A finite number, or ``None``."""
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise InvalidRequest(f"{name} is {value!r}; it must be a finite number.")
    if least is not None and value < least:
        raise InvalidRequest(f"{name} is {value}; it must be at least {least}.")
    if above is not None and value <= above:
        raise InvalidRequest(f"{name} is {value}; it must be above {above}.")
    if most is not None and value > most:
        raise InvalidRequest(f"{name} is {value}; it must be at most {most}.")


def word(name: str, value: object) -> None:
    """A string, or ``None``."""
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"{name} is {value!r}; it must be a string.")


def choice(name: str, value: object, words: tuple[str, ...]) -> None:
    """One of these words."""
    if value not in words:
        raise InvalidRequest(f"{name} is {value!r}; it must be one of {', '.join(words)}.")


def texts(name: str, values: Iterable[object]) -> None:
    """Strings, each of which can be sent."""
    for position, value in enumerate(values):
        if not isinstance(value, str):
            raise InvalidRequest(f"{name}[{position}] is {type(value).__name__}; it must be a string.")
        sendable(f"{name}[{position}]", value)


def sendable(name: str, text: str) -> None:
    """Refuse half a surrogate pair, which no encoding can carry."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{name}: character {error.start} is half of a surrogate pair and cannot be sent.") from None
