"""Nulls that stand for "left out": what a model writes for an optional field where it may leave none out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["without_nulls"]


def without_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value without the nulls of fields that are optional and cannot be null, so that their defaults hold."""
    return _cleaned(value, schema, schema)


def _cleaned(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        places = _places(schema, root)
        return [_cleaned(item, next(places), root) for item in value]
    if not isinstance(value, dict):
        return value
    properties, required, others = _object(value, schema, root)
    kept = {}
    for name, member in value.items():
        inner = properties.get(name, others)
        if member is not None or name in required or name not in properties or _takes_null(inner, root):
            kept[name] = _cleaned(member, inner, root)
    return kept


def _object(value: dict[str, Any], schema: Any, root: Mapping[str, Any]) -> tuple[Mapping[str, Any], set[str], Any]:
    """Properties, the required ones, and what any other is: of the first alternative whose keys and constants the value has."""
    for one in _alternatives(schema, root):
        properties, required = one.get("properties", {}), set(one.get("required", ()))
        fits = required <= value.keys() and (value.keys() <= properties.keys() or "additionalProperties" in one)
        if fits and all(_same(value.get(name), properties.get(name, {})) for name in value):
            return properties, required, one.get("additionalProperties")
    return {}, set(), None


def _same(value: Any, schema: Any) -> bool:
    return not isinstance(schema, Mapping) or "const" not in schema or schema["const"] == value


def _places(schema: Any, root: Mapping[str, Any]) -> Iterator[Any]:
    """The schema of each item of a list."""
    one = next((one for one in _alternatives(schema, root) if "items" in one or "prefixItems" in one), {})
    yield from one.get("prefixItems", ())
    while True:
        yield one.get("items")


def _takes_null(schema: Any, root: Mapping[str, Any]) -> bool:
    return any(
        None in one.get("enum", ()) or one.get("const", ...) is None or _nullish(one) for one in _alternatives(schema, root)
    )


def _nullish(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    bare = not schema.keys() & {"type", "enum", "const", "properties"}
    return bare or kind == "null" or (isinstance(kind, list) and "null" in kind)


def _alternatives(schema: Any, root: Mapping[str, Any], followed: int = 0) -> Iterator[Mapping[str, Any]]:
    """The schema, or each that it refers to or chooses from."""
    if not isinstance(schema, Mapping) or followed > _LONGEST_CHAIN:
        return
    if isinstance(pointer := schema.get("$ref"), str):
        yield from _alternatives(_target(pointer, root), root, followed + 1)
        return
    choices = [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())]
    for one in choices:
        yield from _alternatives(one, root, followed + 1)
    if not choices:
        yield schema


def _target(pointer: str, root: Mapping[str, Any]) -> Any:
    target: Any = root
    for step in pointer.removeprefix("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        target = target.get(key) if isinstance(target, Mapping) else None
    return target


_LONGEST_CHAIN = 50
