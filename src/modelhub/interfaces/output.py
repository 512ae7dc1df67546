"""Structured output: from a Python type to a JSON Schema for the model, and from the model's text back to the type."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Generic, TypeVar, overload

from modelhub.errors import InvalidRequest, OutputInvalid

__all__ = ["OutputType", "output_type"]

T = TypeVar("T")
_NOTHING: Any = object()


@dataclass(frozen=True)  # with slots, OutputType[City](...) would raise in its frozen __setattr__
class OutputType(Generic[T]):
    """A type an answer must have: its ``name``, its JSON ``schema``, and the Python type it is given back as."""

    name: str
    schema: Mapping[str, Any]
    python_type: Any = field(default=None, repr=False)

    def parse(self, text: str) -> T:
        """The answer's text as that type: JSON; also in a fence, behind ``<think>``, among prose, or with commas to spare.

        ``null`` stands for "left out" where a field has a default and cannot be null. A type that is no object is also taken
        out of ``{"value": ...}``. Raises ``OutputInvalid``. A JSON Schema is checked where ``jsonschema`` is installed
        (``checked`` says so).
        """
        from modelhub.interfaces.lenient import candidates

        if self.python_type is str and not text.lstrip("\ufeff \n\t").startswith(('"', "`", "<think>", "{")):
            return text  # type: ignore[return-value]  # T is str
        first: ValueError | None = None
        for candidate in candidates(text):
            try:
                return self._read(candidate)
            except ValueError as failure:
                first = first or failure
        if self.python_type is str:
            return text  # type: ignore[return-value]  # T is str
        raise OutputInvalid(f"The answer is not a valid {self.name}: {first}.", text=text)

    @property
    def checked(self) -> bool:
        """Whether ``parse`` holds an answer against the whole schema."""
        return self.python_type is not None or find_spec("jsonschema") is not None

    def _read(self, text: str) -> T:
        refused: ValueError | None = None
        for meant in self._meanings(text):
            try:
                return self._validated(meant)
            except ValueError as failure:
                refused = refused or failure
        raise refused or ValueError("there is no JSON in it")

    def _meanings(self, text: str) -> Iterator[str]:
        """What a JSON text may mean: what is in its envelope, if that is one; itself; itself without nulls for "left out"."""
        from modelhub.interfaces.envelope import is_object, opened
        from modelhub.interfaces.optional import without_nulls

        if not text.startswith(("{", "[")):
            yield text
            return
        value: Any = _NOTHING
        if not is_object(self.schema):
            value = _value(text)
            if (inside := opened(value, self.schema)) is not value:
                yield json.dumps(inside, ensure_ascii=False)
                value = inside
        yield text
        value = _value(text) if value is _NOTHING else value
        if (cleaned := without_nulls(value, self.schema)) != value:
            yield json.dumps(cleaned, ensure_ascii=False)

    def _validated(self, text: str) -> T:
        from pydantic import TypeAdapter, ValidationError

        try:
            value: T = TypeAdapter(Any if self.python_type is None else self.python_type).validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the answer"
            raise ValueError(f"{where}: {first['msg']}") from None
        if self.python_type is None and self.checked:
            _hold(value, self.schema)
        return value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from None


def _hold(value: object, schema: Mapping[str, Any]) -> None:
    from jsonschema import Draft202012Validator

    error = next(Draft202012Validator(schema).iter_errors(value), None)
    if error is not None:
        raise ValueError(f"{'.'.join(map(str, error.absolute_path)) or 'the answer'}: {error.message}")


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
        return OutputType(str(wanted.get("title", "output")), _sound(wanted))
    if inspect.isroutine(wanted):
        raise InvalidRequest(f"{wanted!r} is a function; output_type takes a type or a JSON Schema.")
    from pydantic import PydanticUserError, TypeAdapter

    try:
        schema = TypeAdapter(wanted).json_schema()
    except PydanticUserError as error:
        raise InvalidRequest(f"No JSON Schema can be made of {wanted!r}: {error.message.splitlines()[0]}") from None
    return OutputType(getattr(wanted, "__name__", "output"), schema, wanted)


def _sound(schema: Mapping[str, Any]) -> dict[str, Any]:
    if find_spec("jsonschema") is not None:
        from jsonschema import Draft202012Validator, SchemaError

        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise InvalidRequest(f"This is no JSON Schema: {error.message}.") from None
    return dict(schema)
