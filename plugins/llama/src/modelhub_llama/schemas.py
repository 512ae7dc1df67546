"""What llama.cpp makes of a JSON Schema: a grammar that says most of it, and is silent about the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["unheld"]

_UNHELD = frozenset(
    {"contains", "dependentRequired", "dependentSchemas", "else", "if", "maxContains", "maxProperties", "minContains"}
    | {"minProperties", "multipleOf", "not", "patternProperties", "propertyNames", "then", "unevaluatedItems"}
    | {"unevaluatedProperties", "uniqueItems"}
)
_LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_FORMATS = frozenset({"date", "time", "date-time", "uuid"})
_NAMED = ("properties", "$defs", "definitions")
"""Members that hold schemas by name, so that their keys are no keywords."""
_DATA = ("enum", "const", "default", "examples")
_PATTERN = re.compile(r"\(\?|\\[bB1-9pP]")
"""What a pattern may hold that a grammar cannot say."""


def unheld(schema: Any) -> list[str]:
    """The keywords of a schema that the model is not held to, each once, in order."""
    return sorted(set(_found(schema)))


def _found(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _found(item)
    if not isinstance(schema, Mapping):
        return
    for word, value in schema.items():
        if word in _NAMED and isinstance(value, Mapping):
            for inner in value.values():
                yield from _found(inner)
        elif word in _DATA:
            continue
        elif _is_unheld(word, value, schema.get("type")):
            yield word
        else:
            yield from _found(value)


def _is_unheld(word: str, value: object, kind: object) -> bool:
    match word:
        case "format":
            return value not in _FORMATS
        case "pattern":
            return not _sayable(value)
        case _ if word in _LIMITS:
            return kind != "integer"
        case _:
            return word in _UNHELD


def _sayable(pattern: object) -> bool:
    return isinstance(pattern, str) and pattern.startswith("^") and pattern.endswith("$") and not _PATTERN.search(pattern)
