"""Functions as tools: the schema from the signature, the words from the docstring, the call from the model's arguments."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from modelhub.errors import InvalidRequest
from modelhub.interfaces.content import Tool, ToolCall
from modelhub.interfaces.optional import without_nulls

__all__ = ["FunctionTool", "tool"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class FunctionTool(Tool):
    """A tool with the function that serves it; ``tool`` makes one. It can be called like the function itself."""

    function: Callable[..., Any] = field(default=print, repr=False, compare=False)
    _model: Any = field(default=None, repr=False, compare=False)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    @property
    def awaited(self) -> bool:
        """Whether the function is ``async``."""
        called = type(self.function).__call__ if not inspect.isroutine(self.function) else self.function
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(called)

    def arguments(self, call: ToolCall) -> dict[str, Any]:
        """The arguments of a call as the signature's types; ``null`` stands for the default where it can be nothing else.

        Raises ``InvalidRequest`` with what is wrong, in words that the model can use.
        """
        text = call.arguments or "{}"
        try:
            return self._validated(text)
        except InvalidRequest as error:
            refused = error
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            raise refused from None
        meant = without_nulls(given, self.parameters)
        if meant == given:
            raise refused
        return self._validated(json.dumps(meant, ensure_ascii=False))

    def _validated(self, text: str) -> dict[str, Any]:
        from pydantic import ValidationError

        try:
            given = self._model.model_validate_json(text)
        except ValidationError as error:
            told = error.errors(include_url=False, include_input=False, include_context=False)
            wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the arguments'}: {one['msg']}" for one in told[:_TOLD])
            raise InvalidRequest(f"The arguments do not fit the parameters of {self.name}: {wrong}.") from None
        fields = type(given).model_fields
        return {str(fields[name].alias): getattr(given, name) for name in given.model_fields_set}


@overload
def tool(function: Callable[..., Any], /) -> FunctionTool: ...
@overload
def tool(*, name: str | None = None, description: str | None = None) -> Callable[[Callable[..., Any]], FunctionTool]: ...
def tool(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, description: str | None = None
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """A function as a tool for a model: ``tool(weather)``, or ``@tool`` above it.

    Types and defaults of the signature become the schema of the parameters, the docstring the description; a line
    ``city: where`` or ``:param city: where`` in it describes that parameter, as ``Annotated[str, Field(description=...)]``
    does. The function is called with values of its types. Raises ``InvalidRequest`` where a parameter cannot be given by its
    name, or its type has no JSON Schema.
    """
    if function is None:
        return lambda given: _made(given, name, description)
    return function if isinstance(function, FunctionTool) else _made(function, name, description)


def _made(function: Callable[..., Any], name: str | None, description: str | None) -> FunctionTool:
    called = name or str(getattr(function, "__name__", type(function).__name__))
    if not _NAME.fullmatch(called):
        raise InvalidRequest(f"A tool's name is 1 to 64 of A-Z, a-z, 0-9, _ and -, not {called!r}: give tool(name=...).")
    words = description if description is not None else inspect.getdoc(function) or ""
    parameters = _parameters(called, function)
    model, schema = _model(called, parameters, words)
    return FunctionTool(called, words, schema, function, model)


def _model(name: str, parameters: list[inspect.Parameter], words: str) -> tuple[Any, dict[str, Any]]:
    """The parameters as a pydantic model and as a JSON Schema. In the model they have numbers: a name may be taken there."""
    from pydantic import ConfigDict, PydanticUserError, create_model

    fields: dict[str, Any] = {f"p{number}": _field(parameter, words) for number, parameter in enumerate(parameters)}
    try:
        model: Any = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema: dict[str, Any] = model.model_json_schema()
    except PydanticUserError as error:
        raise InvalidRequest(f"The parameters of {name} have no JSON Schema: {error.message}") from None
    schema.pop("title", None)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
    return model, schema


def _field(parameter: inspect.Parameter, words: str) -> Any:
    """Type and default, and what the docstring says of it. The default itself is left to the function."""
    from pydantic import Field

    kind = Any if parameter.annotation is parameter.empty else parameter.annotation
    line = re.search(rf"^\s*(?::param\s+)?{re.escape(parameter.name)}\s*(?:\([^)]*\))?\s*[:：]\s*(\S.*)$", words, re.MULTILINE)
    said: dict[str, Any] = {"description": line[1].strip()} if line else {}
    if _is_plain(parameter.default):
        said["json_schema_extra"] = {"default": parameter.default}
    if parameter.default is not parameter.empty:
        said["default_factory"] = _left_out
    return kind, Field(alias=parameter.name, **said)


def _left_out() -> None:
    """The value of a parameter that the model did not give; the function is not called with it."""


def _parameters(name: str, function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise InvalidRequest(f"The signature of {name} cannot be read: {error}.") from None
    for parameter in parameters:
        if parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL):
            raise InvalidRequest(f"{name} takes {parameter.name!r} by its place; a tool's parameters are given by name.")
    return [parameter for parameter in parameters if parameter.kind in _BY_NAME]


def _is_plain(default: Any) -> bool:
    return default is None or type(default) in (str, int, float, bool)


_TOLD = 5
