"""Quotes in the form of a JSON Schema, where it asks for nothing but free text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelhub.plugin import OutputType, Unsupported

__all__ = ["Form", "form"]

_FREE = frozenset({"type", "title", "description", "default", "examples", "items", "uniqueItems", "$comment"})


@dataclass(frozen=True, slots=True)
class Form:
    """Where the quotes go: the required fields, each a ``text`` or a ``list`` of texts; a nameless field is all there is."""

    fields: Mapping[str, Literal["text", "list"]]

    def filled(self, quotes: Sequence[str], otherwise: str) -> str:
        """The JSON text: the quotes, joined or as a list. Without any, ``otherwise`` is the text and the list is empty."""
        values = {
            name: list(quotes) if kind == "list" else "\n".join(quotes) or otherwise for name, kind in self.fields.items()
        }
        return json.dumps(values.get("", values), ensure_ascii=False)


def form(output: OutputType[Any]) -> Form:
    """How an answer of that type is made of quotes. Raises ``Unsupported`` where it asks for more than quotes can say."""
    schema = output.schema
    if schema.get("type") != "object":
        return Form({"": _kind(output, "the answer", schema)})
    properties = schema.get("properties", {})
    fields = {name: _kind(output, name, properties.get(name, {})) for name in schema.get("required", ())}
    if sum(kind == "text" for kind in fields.values()) > 1:
        raise _unsupported(output, f"{' and '.join(fields)} are several texts, and a quote cannot tell which it belongs to")
    if not fields:
        raise _unsupported(output, "it requires no field, so there is none to put a quote into")
    return Form(fields)


def _kind(output: OutputType[Any], name: str, schema: Any) -> Literal["text", "list"]:
    if isinstance(schema, Mapping) and schema.keys() <= _FREE:
        if schema.get("type") == "string":
            return "text"
        if schema.get("type") == "array" and _kind(output, name, schema.get("items")) == "text":
            return "list"
    raise _unsupported(output, f"{name} is neither free text nor a list of it")


def _unsupported(output: OutputType[Any], why: str) -> Unsupported:
    message = f"starter:quote can only quote: it cannot give a {output.name}, for {why}. Ask for one text field."
    return Unsupported(message, feature="structured_output", model="starter:quote")
