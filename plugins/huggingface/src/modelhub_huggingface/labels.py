"""Labels: those that an answer may be, out of the type it shall have; and the answer that the labels' scores come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub.plugin import InvalidRequest, OutputInvalid, OutputType, TextRequest

__all__ = ["Choices", "answered", "choices", "wanted"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a type leaves to choose from. ``member`` is the one property of an object that the choice stands in."""

    values: tuple[str, ...]
    member: str | None = None

    def written(self, value: str) -> str:
        """A choice as JSON of the type that was asked for."""
        return json.dumps(value if self.member is None else {self.member: value}, ensure_ascii=False)

    def named(self, label: str) -> str | None:
        """The choice that a model's label is, in whatever case it is written."""
        return next((value for value in self.values if _plain(value) == _plain(label)), None)


def choices(output: OutputType[Any] | None) -> Choices | None:
    """What ``Literal["a", "b"]``, an ``Enum`` of texts, or an object with one such property leaves to choose from.

    ``None`` for any other type, and where no type is asked for.
    """
    if output is None:
        return None
    root = _followed(output.schema, output.schema)
    if (values := _values(root)) is not None:
        return Choices(values)
    properties = root.get("properties")
    if not isinstance(properties, Mapping) or len(properties) != 1:
        return None
    ((name, inner),) = properties.items()
    values = _values(_followed(inner, output.schema))
    return None if values is None else Choices(values, name)


def wanted(request: TextRequest, model: str) -> Choices:
    """The labels that a request asks for. Raises ``InvalidRequest`` where its type names none."""
    found = choices(request.output)
    if found is None:
        message = (
            f"{model} puts a text under one of the labels that it is given: write output_type=Literal['positive', 'negative']."
        )
        raise InvalidRequest(message)
    return found


def answered(scores: Mapping[str, float], request: TextRequest, model: str) -> str:
    """The text of the answer that these scores come to: the best label, or JSON of it where a type is asked for.

    Raises ``OutputInvalid`` where the best label is none that the type leaves to choose from.
    """
    best = max(scores, key=lambda label: scores[label])
    if request.output is None:
        return best
    found = choices(request.output)
    chosen = None if found is None else found.named(best)
    if found is None or chosen is None:
        offered = "none" if found is None else ", ".join(map(repr, found.values))
        known = ", ".join(map(repr, sorted(scores)))
        message = f"{model} answers {best!r}; its labels are {known}, and those that {request.output.name} has are {offered}."
        raise OutputInvalid(message, text=best)
    return found.written(chosen)


def _plain(label: str) -> str:
    return " ".join(label.casefold().replace("_", " ").split())


def _values(schema: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The texts that a schema enumerates."""
    given = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not isinstance(given, list) or not given or not all(isinstance(value, str) for value in given):
        return None
    return tuple(given)


def _followed(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema, or what it refers to."""
    for _ in range(8):
        if not isinstance(schema, Mapping) or not isinstance(pointer := schema.get("$ref"), str):
            break
        _, _, name = pointer.rpartition("/")
        schema = root.get("$defs", root.get("definitions", {})).get(name)
    return schema if isinstance(schema, Mapping) else {}
