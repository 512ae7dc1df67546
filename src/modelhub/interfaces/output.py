"""Structured output: from a Python type to a JSON Schema for the model, and from the model's text back to the type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

from modelhub.errors import InvalidRequest, OutputInvalid

__all__ = ["OutputType", "output_type"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutputType(Generic[T]):
    """A type an answer must have: its ``name``, its JSON ``schema``, and the Python type it is given back as."""

    name: str
    schema: Mapping[str, Any]
    python_type: Any = field(default=None, repr=False)

    def parse(self, text: str) -> T:
        """The answer's text as that type. A Markdown fence around the JSON is taken off. Raises ``OutputInvalid``."""
        from pydantic import TypeAdapter, ValidationError

        adapter = TypeAdapter(Any if self.python_type is None else self.python_type)
        try:
            value: T = adapter.validate_json(_unfenced(text))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the answer"
            raise OutputInvalid(f"The answer is not a valid {self.name}: {where}: {first['msg']}.", text=text) from None
        return value


@overload
def output_type(wanted: type[T]) -> OutputType[T]: ...
@overload
def output_type(wanted: OutputType[T]) -> OutputType[T]: ...
@overload
def output_type(wanted: Mapping[str, Any]) -> OutputType[Any]: ...
def output_type(wanted: Any) -> OutputType[Any]:
    """From a pydantic model, a dataclass or any type pydantic knows; or from a JSON Schema, which gives plain data.

    Raises ``InvalidRequest`` where no schema can be made of it.
    """
    if isinstance(wanted, OutputType):
        return wanted
    if isinstance(wanted, Mapping):
        return OutputType(str(wanted.get("title", "output")), dict(wanted))
    from pydantic import PydanticUserError, TypeAdapter

    try:
        schema = TypeAdapter(wanted).json_schema()
    except PydanticUserError as error:
        raise InvalidRequest(f"No JSON Schema can be made of {wanted!r}: {error.message}") from None
    return OutputType(getattr(wanted, "__name__", "output"), schema, wanted)


def _unfenced(text: str) -> str:
    bare = text.strip().removeprefix("\ufeff")
    if bare.startswith("```") and bare.endswith("```") and len(bare) > 6:
        return bare[3:-3].removeprefix("json").strip()
    return bare
