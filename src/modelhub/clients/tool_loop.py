"""The loop of tools: ask, serve the calls of the answer, tell the model, until it answers or a limit is reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from modelhub.clients.tool_run import RunEnd, ToolRun, ToolUse, run_of
from modelhub.errors import InvalidRequest, ModelhubError, did_you_mean
from modelhub.interfaces.checks import whole
from modelhub.interfaces.content import Message, Tool, ToolCall, ToolResult
from modelhub.interfaces.functions import FunctionTool, tool
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Runtime

if TYPE_CHECKING:
    from modelhub.interfaces.events import TextModel

__all__ = ["OnCall", "ToolLoop", "as_tools"]

OnCall = Callable[[ToolCall], Any]
_CUT = ("length", "content_filter", "error")


def as_tools(given: Iterable[Callable[..., Any] | Tool], *, awaiting: bool) -> tuple[Tool, ...]:
    """Functions and tools as tools. ``awaiting``: whether the caller can await a function that is ``async``."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidRequest(f"tools is {type(given).__name__}; it must be a list of functions.")
    tools = tuple(one if isinstance(one, Tool) else _from(one) for one in given)
    names = [one.name for one in tools]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidRequest(f"Two tools are called {min(twice)!r}: give one of them another name with tool(name=...).")
    for one in tools:
        if isinstance(one, FunctionTool) and one.awaited and not awaiting:
            raise InvalidRequest(f"{one.name} is async: the blocking client cannot await it; use AsyncHub.")
    return tools


def _from(given: Any) -> Tool:
    if not callable(given):
        raise InvalidRequest(f"tools holds {type(given).__name__}; it must hold functions, or Tool.")
    return tool(given)


@dataclass(slots=True)
class ToolLoop:
    """One run. It is its own state: asked once, and then done."""

    model: TextModel
    runtime: Runtime
    request: TextRequest
    max_turns: int = 8
    max_calls: int | None = None
    parallel: bool = True
    on_call: OnCall | None = None
    _responses: list[TextResponse[Any]] = field(default_factory=list[TextResponse[Any]])
    _uses: list[ToolUse] = field(default_factory=list[ToolUse])

    def __post_init__(self) -> None:
        whole("max_turns", self.max_turns, least=1)
        whole("max_calls", self.max_calls, least=0)
        if self.on_call is not None and not callable(self.on_call):
            raise InvalidRequest(f"on_call is {self.on_call!r}; it must be a function of a ToolCall.")

    async def run(self) -> ToolRun[Any]:
        """The whole run. An error of the model is raised with the run so far as its ``partial``."""
        try:
            return self._run(await self._turns())
        except ModelhubError as error:
            answered = isinstance(error.partial, TextResponse)
            heard: Any = error.partial
            if answered:
                self._heard(heard)
            error.partial = self._run("error")
            raise

    async def _turns(self) -> RunEnd:
        calls = self._unserved()
        while True:
            if calls:
                if (ended := self._stops(calls)) is not None:
                    return ended
                await self._serve(calls)
            response = await self.model.call(self.request, self.runtime)
            self._heard(response)
            calls = response.tool_calls
            if not calls:
                return "answer"
            if response.finish_reason in _CUT:
                return "cut"
            self._free_choice()

    def _stops(self, calls: Sequence[ToolCall]) -> RunEnd | None:
        """Why these calls are not served, if they are not."""
        functionless = {tool.name for tool in self.request.tools if not isinstance(tool, FunctionTool)}
        if any(call.name in functionless for call in calls):
            return "tool_call"
        if len(self._responses) >= self.max_turns:
            return "max_turns"
        if self.max_calls is not None and len(self._uses) + len(calls) > self.max_calls:
            return "max_calls"
        return None

    async def _serve(self, calls: Sequence[ToolCall]) -> None:
        """Serve the calls of one answer, and tell their results in the order in which they were asked for."""
        refused = [call for call in calls if self.on_call is not None and await _settled(self.on_call(call)) is False]
        servings: list[Callable[[], Awaitable[ToolUse]]] = [partial(self._use, call, call in refused) for call in calls]
        if self.parallel:
            uses = await self.runtime.gather(*servings)
        else:
            uses = [await serve() for serve in servings]
        self._uses += uses
        self._say(Message("tool", tuple(use.result for use in uses)))

    async def _use(self, call: ToolCall, refused: bool) -> ToolUse:
        started = self.runtime.now()
        try:
            if refused:
                raise InvalidRequest("This call was not allowed.")
            told, failed = _told(await self._called(call)), None
        except Exception as error:  # noqa: BLE001  # whatever a tool raises is for the model to read
            told, failed = _complaint(error), error
        result = ToolResult(call.id, told, call.name, is_error=failed is not None)
        return ToolUse(call, result, len(self._responses), self.runtime.now() - started, failed)

    async def _called(self, call: ToolCall) -> Any:
        found = self._functions.get(call.name)
        if found is None:
            known = sorted(self._functions)
            raise InvalidRequest(f"There is no tool {call.name!r}.{did_you_mean(call.name, known)} Tools: {', '.join(known)}.")
        arguments = found.arguments(call)
        if found.awaited:
            return await found.function(**arguments)
        return await _settled(await self.runtime.in_thread(partial(found.function, **arguments)))

    @property
    def _functions(self) -> Mapping[str, FunctionTool]:
        return {one.name: one for one in self.request.tools if isinstance(one, FunctionTool)}

    def _unserved(self) -> tuple[ToolCall, ...]:
        """The calls in which the conversation that was handed over ends."""
        last = self.request.messages[-1]
        return tuple(part for part in last.content if isinstance(part, ToolCall)) if last.role == "assistant" else ()

    def _heard(self, response: TextResponse[Any]) -> None:
        self._responses.append(response)
        if response.content:
            self._say(response.message)

    def _say(self, message: Message) -> None:
        self.request = replace(self.request, messages=(*self.request.messages, message))

    def _free_choice(self) -> None:
        """A tool that was asked for by the caller has been called now: from here on the model chooses."""
        if self.request.tool_choice not in ("auto", "none"):
            self.request = replace(self.request, tool_choice="auto")

    def _run(self, ended: RunEnd) -> ToolRun[Any]:
        return run_of(self.request.messages, self._responses, self._uses, ended)


async def _settled(value: Any) -> Any:
    """A value, or what it comes to where it is awaitable."""
    return await value if hasattr(value, "__await__") else value


def _told(value: Any) -> str:
    """What a tool gave, as the model reads it: a string as it is, anything else as JSON, bytes that are no text in base64."""
    if isinstance(value, str):
        return _sendable(value)
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(value, serialize_unknown=True, inf_nan_mode="constants").decode()
    except PydanticSerializationError:
        return to_json(value, serialize_unknown=True, inf_nan_mode="constants", bytes_mode="base64").decode()


def _complaint(error: Exception) -> str:
    return _sendable(error.message if isinstance(error, InvalidRequest) else f"{type(error).__name__}: {error}")


def _sendable(text: str) -> str:
    """The text with ``?`` for halves of surrogate pairs, which no encoding can carry: file names may hold them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
