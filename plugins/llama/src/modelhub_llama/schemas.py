"""What llama.cpp makes of a JSON Schema: a grammar that says most of it, and is silent about the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelhub_llama.patterns.reading import sayable

__all__ = ["held", "unheld"]

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
_BESIDE_A_PATTERN = frozenset({"minLength", "maxLength"})


def held(schema: Any) -> Any:
    """The schema as llama.cpp is given it: with patterns that it can hold a model to, and without the others.

    It would take any text for one that it cannot hold to, with a word on standard error.
    """
    match schema:
        case Mapping():
            return {word: _inner(word, value) for word, value in schema.items() if word != "pattern" or _sayable(value)}
        case list() | tuple():
            return [held(item) for item in schema]
        case _:
            return schema


def _inner(word: str, value: Any) -> Any:
    if word in _NAMED and isinstance(value, Mapping):
        return {name: held(inner) for name, inner in value.items()}
    if word == "pattern":
        return _sayable(value)
    return value if word in _DATA else held(value)


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
        elif _is_unheld(word, value, schema.get("type")) or (word in _BESIDE_A_PATTERN and _sayable(schema.get("pattern"))):
            yield word
        else:
            yield from _found(value)


def _is_unheld(word: str, value: object, kind: object) -> bool:
    match word:
        case "format":
            return value not in _FORMATS
        case "pattern":
            return _sayable(value) is None
        case _ if word in _LIMITS:
            return kind != "integer"
        case _:
            return word in _UNHELD


def _sayable(pattern: object) -> str | None:
    return sayable(pattern) if isinstance(pattern, str) else None
