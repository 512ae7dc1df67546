"""Tools for models that are not held to them by their server: the calls that are allowed, as a JSON Schema of the answer.

A server that is told ``tool_choice`` may well answer with free text all the same; a schema it keeps, token by token. So a call
that is asked for is asked for as an answer of a certain form, and read back out of it: at once, and from a stream in the order
in which it comes. Whatever model takes ``request.output`` can be put inside, llama.cpp's and Ollama's among them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from modelhub.plugin import (
    Finished,
    Message,
    OutputInvalid,
    OutputType,
    Part,
    ReasoningDelta,
    ReasoningPart,
    Runtime,
    TextPart,
    TextRequest,
    TextResponse,
    Tool,
    ToolCall,
    ToolResult,
    Wrapper,
)
from modelhub_llama.calls import CallReader

__all__ = ["HeldToTools", "as_schema", "asked_for", "calls_schema", "is_held", "told_in_words", "with_calls"]

MOST_CALLS = 16
"""Calls that one answer may hold, so that a weak model does not ask for ever."""


@dataclass(frozen=True, eq=False)
class HeldToTools(Wrapper[TextRequest, TextResponse[Any], Any]):
    """A model that calls a tool where it must, with arguments that follow the tool's schema.

    ``native`` says that the model calls tools by itself where it may (``tool_choice="auto"``) and knows the turns in which that
    happened; where it does not, these too are put into words, and it chooses between calls and an answer.
    """

    native: bool = True

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        response = await self.inner.call(asked_for(request, native=self.native), runtime)
        if not is_held(request, native=self.native):
            return response
        reader = _reader(request)
        reader.feed(response.text)
        return _called(response, reader)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        held = is_held(request, native=self.native)
        reader = _reader(request)
        async with aclosing(self.inner.stream(asked_for(request, native=self.native), runtime)) as events:
            async for event in events:
                if not held or isinstance(event, ReasoningDelta):
                    yield event
                elif isinstance(event, Finished):
                    response = _called(event.response, reader)
                    for owed in reader.close():
                        yield owed
                    yield Finished(response)
                elif text := getattr(event, "text", ""):
                    for found in reader.feed(text):
                        yield found


def asked_for(request: TextRequest, *, native: bool) -> TextRequest:
    """The request as the model can take it."""
    told = request if native else told_in_words(request)
    return as_schema(told) if is_held(request, native=native) else told


def is_held(request: TextRequest, *, native: bool) -> bool:
    """Whether this request's calls are asked for by schema."""
    if not request.tools or request.tool_choice == "none":
        return False
    if request.knobs.parallel_tool_calls is False:
        return True
    return request.tool_choice != "auto" or not native or request.output is not None


def as_schema(request: TextRequest) -> TextRequest:
    """The request for an answer in the form of calls, or of an answer where the tools need not be called."""
    tools = allowed(request)
    at_most = 1 if request.knobs.parallel_tool_calls is False or request.tool_choice not in ("auto", "required") else MOST_CALLS
    free = request.tool_choice == "auto"
    answer = request.output.schema if request.output is not None else {"type": "string"}
    schema = calls_schema(tools, at_most=at_most, answer=answer if free else None)
    return replace(
        request,
        messages=_with_system(request.messages, _instructions(tools, answer if free else None)),
        tools=(),
        tool_choice="auto",
        output=OutputType("tool_calls", schema),
        knobs=replace(request.knobs, parallel_tool_calls=None),
    )


def allowed(request: TextRequest) -> tuple[Tool, ...]:
    """The tools that the choice leaves."""
    named = tuple(tool for tool in request.tools if tool.name == request.tool_choice)
    return named or request.tools


def calls_schema(tools: Iterable[Tool], *, at_most: int, answer: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``{"tool_calls": [{"name": ..., "arguments": {...}}]}``; or ``{"answer": ...}``, where that may be given instead."""
    definitions = {f"tool_{place}": _arguments(tool, f"tool_{place}") for place, tool in enumerate(tools)}
    items = [_call(tool, f"tool_{place}") for place, tool in enumerate(tools)]
    several = {"type": "array", "minItems": 1, "maxItems": at_most, "items": items[0] if len(items) == 1 else {"anyOf": items}}
    calls = _closed({"tool_calls": several})
    if answer is None:
        return {**calls, "$defs": definitions}
    definitions["answer"] = _rooted(answer, "#/$defs/answer")
    return {"anyOf": [calls, _closed({"answer": {"$ref": "#/$defs/answer"}})], "$defs": definitions}


def with_calls(request: TextRequest) -> bool:
    """Whether tools were called in the conversation so far."""
    return any(isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.content)


def told_in_words(request: TextRequest) -> TextRequest:
    """The request with earlier calls and their results as text, for a model whose turns know neither."""
    if not with_calls(request):
        return request
    names = {part.id: part.name for message in request.messages for part in message.content if isinstance(part, ToolCall)}
    return replace(request, messages=tuple(_told(message, names) for message in request.messages))


def _told(message: Message, names: Mapping[str, str]) -> Message:
    calls = [part for part in message.content if isinstance(part, ToolCall)]
    results = [part for part in message.content if isinstance(part, ToolResult)]
    if not calls and not results:
        return message
    others: list[Part] = [part for part in message.content if not isinstance(part, ToolCall | ToolResult)]
    if calls:
        said = [{"name": call.name, "arguments": _object(call.arguments)} for call in calls]
        return Message("assistant", (*others, TextPart(json.dumps({"tool_calls": said}, ensure_ascii=False))))
    told = [TextPart(_result(result, names.get(result.call_id, result.name))) for result in results]
    return Message("user", (*told, *others))


def _result(result: ToolResult, name: str) -> str:
    return f"{name or 'The tool'} {'failed' if result.is_error else 'gave'}: {result.content}\n"


def _object(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def _instructions(tools: Iterable[Tool], answer: Mapping[str, Any] | None) -> str:
    listed = "\n".join(
        json.dumps(
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}, ensure_ascii=False, default=str
        )
        for tool in tools
    )
    form = '{"tool_calls": [{"name": the tool, "arguments": what its parameters ask for}]}'
    or_answer = "" if answer is None else ' to call tools, or {"answer": ...} to answer'
    return f"These tools can be called:\n{listed}\nWrite JSON alone: {form}{or_answer}."


def _with_system(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    if messages and messages[0].role == "system":
        first, *others = messages
        return (Message("system", (*first.content, TextPart(f"\n\n{words}"))), *others)
    return (Message("system", words), *messages)


def _call(tool: Tool, place: str) -> dict[str, Any]:
    return _closed({"name": {"type": "string", "enum": [tool.name]}, "arguments": {"$ref": f"#/$defs/{place}"}})


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _arguments(tool: Tool, place: str) -> Any:
    return _rooted({"type": "object", **tool.parameters}, f"#/$defs/{place}")


def _rooted(schema: Any, root: str) -> Any:
    """A schema whose references begin at another place."""
    match schema:
        case Mapping():
            return {
                key: root + value.removeprefix("#")
                if key == "$ref" and isinstance(value, str) and value.startswith("#")
                else _rooted(value, root)
                for key, value in schema.items()
            }
        case list() | tuple():
            return [_rooted(item, root) for item in schema]
        case _:
            return schema


def _reader(request: TextRequest) -> CallReader:
    made = sum(isinstance(part, ToolCall) for message in request.messages for part in message.content)
    return CallReader(first=made, as_text=request.output is None)


def _called(response: TextResponse[Any], reader: CallReader) -> TextResponse[Any]:
    """The response, whose text was the calls. Raises ``OutputInvalid`` where it was anything else, and was not cut."""
    calls, answer = reader.calls(), reader.answer()
    if not calls and not answer and response.finish_reason == "stop" and not reader.understood:
        message = "The model was to call a tool, and answered with something else: does its server keep to a schema?"
        error = OutputInvalid(message, text=response.text)
        error.partial = response
        raise error
    said: list[Part] = [part for part in response.content if isinstance(part, ReasoningPart)]
    if answer:
        said.append(TextPart(answer))
    reason = "tool_call" if calls and response.finish_reason == "stop" else response.finish_reason
    return replace(response, content=(*said, *calls), finish_reason=reason)
