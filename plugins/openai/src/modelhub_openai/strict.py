"""One JSON Schema written anew in the strict dialect, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from modelhub_openai.references import Inexpressible, References

__all__ = ["Writing"]

_LIMITS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "pattern"}
)
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_SAID = frozenset({"title", "description", "default"})
_UNSAID = frozenset(
    {"$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "examples", "example", "deprecated", "discriminator"}
    | {"readOnly", "writeOnly"}
)
_LOOKS_AROUND = re.compile(r"\(\?[=!<]|\\[1-9]")
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_DEEPEST_PARTS, _MOST_PARTS = 100, 20_000
_MOST_PROPERTIES, _MOST_ENUM_VALUES, _DEEPEST = 5000, 1000, 10
_NULL = {"type": "null"}


class Writing:
    """A schema on its way into the dialect. ``notes`` says what was left out on it."""

    def __init__(self, root: Mapping[str, Any], *, limits: bool) -> None:
        self.notes: list[str] = []
        self._root = root
        self._references = References(root)
        self._limits = _LIMITS if limits else frozenset()
        self._formats = _FORMATS if limits else frozenset()
        self._open: list[str] = []
        self._depth = self._count = 0

    def written(self) -> dict[str, Any]:
        """The whole schema. Raises ``Inexpressible``."""
        root = self._schema(self._references.followed(self._root), "")
        if root.get("type") != "object":
            raise Inexpressible("its root is no object")
        definitions = {name: self._schema(target, name) for name, target in self._references.definitions()}
        whole = {**root, "$defs": definitions} if definitions else root
        _hold_to_size(whole)
        return whole

    def _schema(self, schema: Any, place: str) -> dict[str, Any]:
        self._enter()
        written = self._written(schema, place)
        self._depth -= 1
        return written

    def _enter(self) -> None:
        """One level deeper. What refers to itself under ``allOf`` would never end."""
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST_PARTS or self._count > _MOST_PARTS:
            raise Inexpressible("its parts lie too deep in each other, or are too many")

    def _written(self, schema: Any, place: str) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            raise Inexpressible(f"{_at(place)} may be anything")
        match schema:
            case {"allOf": [{"$ref": pointer, **beside}]} if not beside:
                schema = {**schema, "$ref": pointer}
                del schema["allOf"]
        if "$ref" in schema:
            return self._reference(schema, place)
        schema = self._together(schema, place)
        for word in ("anyOf", "oneOf"):
            if word in schema and not _only_limits(schema, word):
                return self._alternatives(schema, word, place)
        return self._typed(schema, place)

    def _reference(self, schema: Mapping[str, Any], place: str) -> dict[str, Any]:
        """A reference stands alone in the dialect: where something stands beside it, its target is put in its place."""
        pointer = schema["$ref"]
        beside = schema.keys() - _UNSAID - {"$ref"}
        if not beside or pointer in self._open:
            return {"$ref": self._references.name(pointer)}
        self._open.append(pointer)
        inlined = self._schema({**self._references.target(pointer), **{name: schema[name] for name in beside}}, place)
        self._open.pop()
        return inlined

    def _together(self, schema: Mapping[str, Any], place: str) -> dict[str, Any]:
        """``allOf`` as one schema: its parts laid over each other."""
        whole = {name: value for name, value in schema.items() if name not in _UNSAID and name != "allOf"}
        for part in schema.get("allOf", ()):
            if not isinstance(part, Mapping):
                raise Inexpressible(f"{_at(place)} has a part under allOf that is no object")
            self._enter()
            part = self._together(self._references.followed(part), place)
            self._depth -= 1
            both = {name for name in part.keys() & whole.keys() if part[name] != whole[name]}
            if clash := both - _SAID - {"properties", "required"}:
                raise Inexpressible(f"{_at(place)} says {min(clash)!r} more than once")
            for name, lay in (("properties", dict), ("required", list)):
                if name in both:
                    part[name] = {**part[name], **whole[name]} if lay is dict else [*part[name], *whole[name]]
                    del whole[name]
            whole = {**part, **whole}
        return whole

    def _alternatives(self, schema: dict[str, Any], word: str, place: str) -> dict[str, Any]:
        branches = schema.pop(word)
        for name in sorted(schema.keys() - _SAID - {"type"}):
            self._note(place, name)
        several = _distinct(self._schema(branch, place) for branch in branches)
        return {"anyOf": several, **_said(schema)}

    def _typed(self, schema: dict[str, Any], place: str) -> dict[str, Any]:
        if "const" in schema:
            schema["enum"] = [schema.pop("const")]
        kind = schema.pop("type", None) or _kind(schema)
        if not kind:
            raise Inexpressible(f"{_at(place)} may be anything")
        written = {"type": kind}
        if "object" in (kind, *kind):
            written |= self._object(schema, place)
        if "array" in (kind, *kind):
            written["items"] = self._items(schema, place)
        if "enum" in schema:
            written["enum"] = schema.pop("enum")
        written |= self._limited(schema, place)
        return {**written, **_said(schema)}

    def _object(self, schema: dict[str, Any], place: str) -> dict[str, Any]:
        properties, required = schema.pop("properties", None), schema.pop("required", ())
        others = schema.pop("additionalProperties", None if properties is not None else True)
        if not properties and others not in (None, False):
            raise Inexpressible(f"{_at(place)} is an object with keys of any name")
        if others not in (None, False):
            self._note(place, "additionalProperties")
        written = {name: self._schema(value, _below(place, name)) for name, value in properties.items()}
        optional = written.keys() - set(required)
        return {
            "properties": {name: self._nullable(value) if name in optional else value for name, value in written.items()},
            "required": list(written),
            "additionalProperties": False,
        }

    def _nullable(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "anyOf" not in schema:
            kind = schema.get("type", ())
            return schema if "null" in (kind, *kind) else {"anyOf": [schema, _NULL]}
        return {**schema, "anyOf": _distinct([*schema["anyOf"], _NULL])}

    def _items(self, schema: dict[str, Any], place: str) -> dict[str, Any]:
        places, items = schema.pop("prefixItems", None), schema.pop("items", None)
        if places is None:
            return self._schema(items, f"{place}[]")
        self._note(place, "prefixItems")
        several = _distinct(self._schema(item, f"{place}[]") for item in (*places, *([items] if items else ())))
        return several[0] if len(several) == 1 else {"anyOf": several}

    def _limited(self, schema: dict[str, Any], place: str) -> dict[str, Any]:
        """The limits that the host takes; the others are put into the description's words."""
        kept, words = {}, []
        for name in [name for name in schema if name not in _SAID]:
            value = schema.pop(name)
            if self._takes(name, value):
                kept[name] = value
            else:
                self._note(place, name)
                words.append(f"{name}: {value}")
        if words:
            schema["description"] = " ".join((*filter(None, [schema.get("description")]), f"({', '.join(words)})"))
        return kept

    def _takes(self, name: str, value: Any) -> bool:
        if name == "format":
            return value in self._formats
        return name in self._limits and not (name == "pattern" and _LOOKS_AROUND.search(value))

    def _note(self, place: str, keyword: str) -> None:
        self.notes.append(f"{_at(place)}: {keyword!r} cannot be held to while the answer is written")


def _only_limits(schema: Mapping[str, Any], word: str) -> bool:
    """Whether alternatives add no key to an object: they say which of its keys must be there together, say."""
    branches = [branch for branch in schema[word] if isinstance(branch, Mapping) and "$ref" not in branch]
    own = schema.get("properties", {})
    added = {name for branch in branches for name in branch.get("properties", {}) if name not in own}
    return bool(own) and len(branches) == len(schema[word]) and not added


def _said(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Title and description; a default is told there, for the dialect has no other place for it."""
    said = {name: schema[name] for name in ("title", "description") if isinstance(schema.get(name), str)}
    if schema.get("default") is not None:
        said["description"] = " ".join((*filter(None, [said.get("description")]), f"(default: {schema['default']})"))
    return said


def _kind(schema: Mapping[str, Any]) -> str | list[str] | None:
    """The type of a schema that does not name it, from what it says."""
    if "properties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    kinds = list(dict.fromkeys(_TYPES.get(type(value), "") for value in schema.get("enum", ())))
    if not all(kinds):
        return None
    return kinds[0] if len(kinds) == 1 else kinds


def _distinct(schemas: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The alternatives, each once; those inside an alternative that is nothing else stand beside the others."""
    flat: list[dict[str, Any]] = []
    for schema in schemas:
        for one in schema["anyOf"] if schema.keys() == {"anyOf"} else (schema,):
            if one not in flat:
                flat.append(one)
    return flat


def _hold_to_size(schema: Mapping[str, Any]) -> None:
    properties, values, depth = _size(schema)
    for count, most, what in (
        (properties, _MOST_PROPERTIES, "properties"),
        (values, _MOST_ENUM_VALUES, "values of enumerations"),
        (depth, _DEEPEST, "objects inside each other"),
    ):
        if count > most:
            raise Inexpressible(f"it has {count} {what}, and {most} are the most")


def _size(schema: Any) -> tuple[int, int, int]:
    """Properties, values of enumerations, and levels of objects."""
    if not isinstance(schema, Mapping):
        return 0, 0, 0
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    sizes = [_size(part) for part in (*inner, schema.get("items"))]
    own = len(schema.get("properties", ())), len(schema.get("enum", ())), int("properties" in schema)
    counts = (own[place] + sum(size[place] for size in sizes) for place in (0, 1))
    return (*counts, own[2] + max((size[2] for size in sizes), default=0))  # type: ignore[return-value]  # three numbers


def _at(place: str) -> str:
    return place or "the whole"


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
