"""The JSON Schema of ``modelhub.toml``, made from the specs: what an editor needs to complete and check the file."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from modelhub.config.persistence import CircuitSpec, RetrySpec
from modelhub.config.reader import hints_of, is_required
from modelhub.config.served import USES
from modelhub.config.settings import class_of
from modelhub.config.specs import Config
from modelhub.http import Secret
from modelhub.model import KINDS

__all__ = ["schema"]

Schema = dict[str, Any]

_PLAIN: Mapping[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Decimal: {"type": ["number", "string"]},
}


def schema(options: Mapping[str, type[Any]] | None = None) -> Schema:
    """The schema, as JSON-able data. ``options`` adds what ``[providers.NAME]`` takes: each provider's options dataclass."""
    whole = _table(Config, options or {})
    profile = _table(Config, options or {}, partial=True)
    whole["properties"]["profiles"] = {
        "type": "object",
        "description": "Overlays: [profiles.NAME...] holds what differs under that profile.",
        "additionalProperties": profile,
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "modelhub.toml", **whole}


def _table(cls: type[Any], options: Mapping[str, type[Any]], *, partial: bool = False) -> Schema:
    table = _object(cls, partial=partial)
    table["properties"]["providers"]["properties"] = {name: _options(of) for name, of in options.items()}
    settings = table["properties"]["models"]["additionalProperties"]["properties"]["settings"]
    settings.update(properties=_settings(), additionalProperties=False)
    alias = table["properties"]["models"]["additionalProperties"]["properties"]
    for properties, name, spec in (
        (alias, "retry", RetrySpec),
        (table["properties"], "retry", RetrySpec),
        (table["properties"], "circuit", CircuitSpec),
    ):
        properties[name] = _object(spec, partial=True)
    return table


def _options(cls: type[Any]) -> Schema:
    """What ``[providers.NAME]`` takes: the fields of its options, and which plugin serves it where that has another name."""
    table = _object(cls, partial=True)
    table["properties"].pop("provider", None)
    table["properties"][USES] = {"type": "string", "description": "The plugin that serves this name, where none has it."}
    return table


def _settings() -> Schema:
    """The settings of all kinds. Which of them a model has depends on its kind, which the file does not say."""
    found: dict[str, list[Schema]] = {}
    for kind in KINDS:
        cls, without = class_of(kind)
        for name, of in _object(cls, partial=True)["properties"].items():
            if name not in without and of not in (known := found.setdefault(name, [])):
                known.append(of)
    return {name: known[0] if len(known) == 1 else {"anyOf": known} for name, known in found.items()}


def _object(cls: type[Any], *, partial: bool) -> Schema:
    hints, help_of = hints_of(cls), _attribute_help(cls)
    fields = [field for field in dataclasses.fields(cls) if field.init]
    properties = {field.name: {**_of(hints[field.name], partial=partial), **help_of.get(field.name, {})} for field in fields}
    required = [] if partial else [field.name for field in fields if is_required(field)]
    result: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}("):
        result["description"] = " ".join(cls.__doc__.split())
    return {**result, "required": required} if required else result


def _of(hint: Any, *, partial: bool) -> Schema:
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind is Annotated or hint is Any or hint is object:
        return {}
    if kind in (Union, types.UnionType):
        return _union(arguments, partial=partial)
    if kind is Literal:
        return {"enum": list(arguments)}
    if kind is str:
        return {"anyOf": [{"type": "string"}, _source("env")]}
    if kind is Secret:
        return {"anyOf": [{"type": "string"}, _SOURCES]}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _object(kind, partial=partial)
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], partial=partial) if arguments else {}}
    if isinstance(kind, type) and issubclass(kind, (Sequence, frozenset)):
        return _array(kind, arguments, partial=partial)
    return dict(_PLAIN.get(kind, {}))


_KEYRING: Schema = {
    "anyOf": [
        {"type": "string", "pattern": "^.+/[^/]+$", "description": '"service/username"'},
        {
            "type": "object",
            "properties": {"service": {"type": "string"}, "username": {"type": "string"}},
            "required": ["service", "username"],
            "additionalProperties": False,
        },
    ]
}

_SOURCES: Schema = {
    "type": "object",
    "description": 'A secret\'s source: { env = "NAME" }, { file = "path" }, { keyring = "service/username" } or'
    ' { command = ["program", "argument"] }.',
    "properties": {
        "env": {"type": "string", "minLength": 1},
        "file": {"type": "string", "minLength": 1},
        "keyring": _KEYRING,
        "command": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


def _array(kind: type[Any], arguments: tuple[Any, ...], *, partial: bool) -> Schema:
    """A list; of so many values where the type says how many."""
    if kind is tuple and arguments and Ellipsis not in arguments:
        items = [_of(argument, partial=partial) for argument in arguments]
        return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}
    return {"type": "array", "items": _of(arguments[0], partial=partial) if arguments else {}}


def _union(members: tuple[Any, ...], *, partial: bool) -> Schema:
    """``None`` is written ``false``, where a boolean would mean nothing else."""
    kinds = [_of(member, partial=partial) for member in members if member is not type(None)]
    if type(None) in members and bool not in members:
        kinds.append({"const": False, "description": "None."})
    return {"anyOf": kinds} if len(kinds) > 1 else kinds[0]


def _source(key: str) -> Schema:
    return {"type": "object", "properties": {key: {"type": "string"}}, "required": [key], "additionalProperties": False}


def _attribute_help(cls: type[Any]) -> Mapping[str, Schema]:
    """The strings that stand below the fields of a class, by field."""
    try:
        found = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError):
        return {}
    body = found.body if isinstance(found, ast.ClassDef) else []
    pairs = ((field, help_) for field, help_ in pairwise(body) if isinstance(field, ast.AnnAssign))
    texts = ((ast.unparse(field.target), _string(help_)) for field, help_ in pairs)
    return {name: {"description": " ".join(text.split())} for name, text in texts if text}


def _string(node: ast.stmt) -> str:
    is_string = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return str(node.value.value) if is_string else ""  # type: ignore[attr-defined]
