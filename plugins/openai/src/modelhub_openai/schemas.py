"""JSON Schemas in the strict dialect: what a model is held to while it writes, and what cannot be said there.

In the dialect the root is an object; an object is closed and requires all its properties, so that what is optional may be
null; a schema has a type, ``anyOf`` or a reference, and of the other keywords only a few. ``modelhub`` checks the answer
against the whole type again, takes ``null`` for "left out" where a field has a default, and opens what was put around a root
that is no object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from modelhub.plugin import Notice, OutputType, TextRequest, enveloped, instructed
from modelhub_openai.quirks import Quirks
from modelhub_openai.references import Inexpressible, named
from modelhub_openai.strict import Writing

__all__ = ["StrictSchema", "fitted", "json_schema", "named", "notices", "strict_schema"]


class StrictSchema(NamedTuple):
    """A schema to be sent, and what it does not say of the one that was given.

    Where ``strict`` is false, the dialect cannot express the type (``dict[str, T]``, ``Any``): ``schema`` is then the one that
    was given, to be sent without being strict, and ``notes`` says why.
    """

    schema: dict[str, Any]
    notes: tuple[str, ...] = ()
    strict: bool = True


def strict_schema(schema: Mapping[str, Any], *, limits: bool = True) -> StrictSchema:
    """The schema in the strict dialect.

    ``limits``: whether the host takes ``minimum``, ``pattern``, ``minItems`` and the like. Those that it does not take are put
    into words in the description, and noted.
    """
    root = enveloped(schema)
    writing = Writing(root, limits=limits)
    try:
        return StrictSchema(writing.written(), tuple(dict.fromkeys(writing.notes)))
    except Inexpressible as reason:
        return StrictSchema(root, (f"The model is shown the schema but not held to it, for {reason}",), strict=False)


def json_schema(output: OutputType[Any], *, limits: bool = True) -> dict[str, Any]:
    """``name``, ``schema`` and ``strict``, as ``response_format.json_schema`` and ``text.format`` take them."""
    found = strict_schema(output.schema, limits=limits)
    return {"name": named(output.name), "schema": found.schema, "strict": found.strict}


def fitted(request: TextRequest, quirks: Quirks) -> TextRequest:
    """The request with its schema in the prompt, where the host takes none."""
    return request if quirks.structured_output == "json_schema" else instructed(request)


def notices(request: TextRequest, quirks: Quirks) -> tuple[Notice, ...]:
    """What the model is not held to of the type that was asked for."""
    if request.output is None:
        return ()
    if quirks.structured_output != "json_schema":
        return (Notice("output_type", "The host takes no schema: it was put into the prompt, the answer checked against it."),)
    notes = strict_schema(request.output.schema, limits=quirks.schema_limits).notes
    return tuple(Notice("output_type", f"{note}; checked when the answer is here.") for note in notes)
