"""Schemas whose root is no object, in an object: several providers take nothing else. And the answer taken out of it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["enveloped", "is_object", "opened"]

_INSIDE = "value"
_DEFINITIONS = ("$defs", "definitions")


def enveloped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema where its root is an object; else an object whose one property ``value`` it is.

    An answer in such an envelope is taken out of it by whoever asked for the type: a provider need not.
    """
    if is_object(schema):
        return dict(schema)
    definitions = {name: _moved(schema[name]) for name in _DEFINITIONS if name in schema}
    inside = _moved({name: value for name, value in schema.items() if name not in _DEFINITIONS})
    return {
        "type": "object",
        "properties": {_INSIDE: inside},
        "required": [_INSIDE],
        "additionalProperties": False,
        **definitions,
    }


def opened(value: Any, schema: Mapping[str, Any]) -> Any:
    """What lies in the envelope, if the schema would be put into one and the value looks like one; else the value."""
    in_envelope = isinstance(value, dict) and value.keys() == {_INSIDE}
    return value[_INSIDE] if in_envelope and not is_object(schema) else value


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether the root of a schema is an object and nothing else."""
    root: Any = schema
    for _ in range(len(schema) + len(schema.get("$defs", ())) + 1):  # a chain of references is no longer than that
        if not isinstance(root, Mapping) or "$ref" not in root:
            break
        _, _, name = str(root["$ref"]).rpartition("/")
        root = schema.get("$defs", schema.get("definitions", {})).get(name)
    return isinstance(root, Mapping) and (root.get("type") == "object" or ("properties" in root and "type" not in root))


def _moved(schema: Any) -> Any:
    """The schema with its references to the root, or into it, following it into the envelope."""
    if isinstance(schema, list):
        return [_moved(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {name: _moved(part) for name, part in schema.items()}
    pointer = moved.get("$ref")
    if isinstance(pointer, str) and pointer.startswith("#") and not pointer.startswith(("#/$defs/", "#/definitions/")):
        moved["$ref"] = f"#/properties/{_INSIDE}{pointer[1:]}"
    return moved
