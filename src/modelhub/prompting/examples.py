"""Examples to show a model: one question and its answer a line, in JSON Lines."""

from __future__ import annotations

import json
from dataclasses import dataclass

from modelhub.errors import ConfigError, did_you_mean

__all__ = ["Example", "examples"]


@dataclass(frozen=True, slots=True)
class Example:
    """A question and the answer it should get."""

    input: str
    output: str


def examples(text: str, *, file: str | None = None) -> tuple[Example, ...]:
    """The examples in a text of JSON Lines: ``{"input": ..., "output": ...}`` a line; other keys and empty lines do not count.

    Raises ``ConfigError`` with file and line at a line that is not so, and where there is no example at all.
    """
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    found = tuple(_example(line, file, number) for number, line in lines if line.strip())
    if not found:
        raise ConfigError('There are no examples: write {"input": "...", "output": "..."} a line.', file=file)
    return found


def _example(line: str, file: str | None, number: int) -> Example:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"This line is not JSON: {error}.", file=file, line=number) from None
    if not isinstance(value, dict):
        raise ConfigError('An example is an object: {"input": "...", "output": "..."}.', file=file, line=number)
    return Example(*(_text(value, key, file, number) for key in ("input", "output")))


def _text(value: dict[str, object], key: str, file: str | None, number: int) -> str:
    found = value.get(key)
    if isinstance(found, str):
        return found
    if key in value:
        raise ConfigError(f"{key!r} is to be a text, not {type(found).__name__}.", file=file, line=number)
    others = ", ".join(map(repr, value)) or "nothing"
    raise ConfigError(f"{key!r} is missing; there is {others}.{did_you_mean(key, list(value))}", file=file, line=number)
