"""Text: ``generate`` an answer, or ``stream`` it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from modelhub.clients.client import Client
from modelhub.clients.requests import checked
from modelhub.errors import InvalidRequest
from modelhub.interfaces.checks import sendable, word
from modelhub.interfaces.content import Message, Part, TextPart, Tool
from modelhub.interfaces.text import TextRequest, TextResponse, TextSettings
from modelhub.model import Timeouts
from modelhub.transport.drive import drive

if TYPE_CHECKING:
    from modelhub.clients.counting import TokenCount
    from modelhub.clients.streams import AsyncStream, Stream
    from modelhub.clients.tool_loop import OnCall
    from modelhub.clients.tool_run import ToolRun
    from modelhub.interfaces.events import TextEvent, TextModel  # noqa: F401  # named in quotes, as what a client holds
    from modelhub.interfaces.output import OutputType
    from modelhub.interfaces.passages import Passage

__all__ = ["AsyncTextClient", "Prompt", "TextClient", "TextOptions", "TurnOptions"]

OutputT = TypeVar("OutputT")
Prompt = str | Message | Sequence[Message] | Sequence[Part | str]
"""A question; one message; a conversation; or the parts of one user message, strings among them."""


class TurnOptions(TypedDict, total=False):
    """What every verb takes beside the prompt; see ``TextRequest`` and ``TextSettings`` for each."""

    system: str | None
    tool_choice: str
    passages: Sequence[Passage]
    timeouts: Timeouts
    retries: int | None
    extra: Mapping[str, Any]
    max_output_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    stop_sequences: Sequence[str] | None
    seed: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logprobs: int | None
    reasoning_effort: str | None
    parallel_tool_calls: bool | None


class TextOptions(TurnOptions, total=False):
    """What ``generate`` and ``stream`` take beside the prompt."""

    tools: Sequence[Tool]


class TextClient(Client["TextModel", TextOptions]):
    """A text model by its name, blocking."""

    __slots__ = ()

    @overload
    def generate(self, prompt: Prompt, **options: Unpack[TextOptions]) -> TextResponse[None]: ...
    @overload
    def generate(
        self, prompt: Prompt, *, output_type: type[OutputT], **options: Unpack[TextOptions]
    ) -> TextResponse[OutputT]: ...
    @overload
    def generate(
        self, prompt: Prompt, *, output_type: Mapping[str, Any], **options: Unpack[TextOptions]
    ) -> TextResponse[Any]: ...
    def generate(self, prompt: Prompt, *, output_type: Any = None, **options: Unpack[TextOptions]) -> TextResponse[Any]:
        """The whole answer. With ``output_type`` (a pydantic model, a dataclass, a JSON Schema), ``.output`` has that type."""
        request = text_request(prompt, output_type, {**self.defaults, **options})
        return drive(self.model.call(request, self.runtime))

    def stream(
        self, prompt: Prompt, *, output_type: Any = None, **options: Unpack[TextOptions]
    ) -> Stream[TextEvent, TextResponse[Any]]:
        """The answer as it comes: text, reasoning and tool calls, then ``Finished``."""
        from modelhub.clients.streams import Stream

        request = text_request(prompt, output_type, {**self.defaults, **options})
        return Stream(self.model.stream(request, self.runtime))

    def count_tokens(self, prompt: Prompt, *, system: str | None = None, tools: Sequence[Tool] = ()) -> TokenCount:
        """How many tokens this would be, with what the model's template puts around it, before it is asked.

        What the configuration adds (a prompt, documents) is not in it. A model that runs on this machine counts exactly
        (and is loaded for it); where nobody can, ``exact`` is false, and the number an estimate from above.
        """
        from modelhub.clients.counting import counted_prompt

        request = text_request(prompt, None, {**self.defaults, "system": system, "tools": tools})
        return drive(counted_prompt(self.model, request, self.runtime))

    @overload
    def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[None]: ...
    @overload
    def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        output_type: type[OutputT],
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[OutputT]: ...
    @overload
    def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        output_type: Mapping[str, Any],
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[Any]: ...
    def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        output_type: Any = None,
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[Any]:
        """Ask, call the functions that the model asks for, tell it what they gave, until it answers.

        A function's docstring and signature tell the model what it is for. What a function raises, and arguments that do not
        fit it, go back to the model as an error, and the run goes on. ``max_turns`` bounds the model's answers, ``max_calls``
        the functions called in all; a run that reaches a limit ends there with all it has (``ToolRun.ended``). The calls of
        one answer run beside each other, unless ``parallel`` is false. ``on_call`` is told of each call before, and refuses
        it by returning ``False``. An error of the model is raised with the run so far as its ``partial``.
        """
        from modelhub.clients.tool_loop import ToolLoop, as_tools

        known = {**self.defaults, **options, "tools": as_tools(tools, awaiting=False)}
        request = text_request(prompt, output_type, known)
        return drive(ToolLoop(self.model, self.runtime, request, max_turns, max_calls, parallel, on_call).run())


class AsyncTextClient(Client["TextModel", TextOptions]):
    """A text model by its name, awaited."""

    __slots__ = ()

    @overload
    async def generate(self, prompt: Prompt, **options: Unpack[TextOptions]) -> TextResponse[None]: ...
    @overload
    async def generate(
        self, prompt: Prompt, *, output_type: type[OutputT], **options: Unpack[TextOptions]
    ) -> TextResponse[OutputT]: ...
    @overload
    async def generate(
        self, prompt: Prompt, *, output_type: Mapping[str, Any], **options: Unpack[TextOptions]
    ) -> TextResponse[Any]: ...
    async def generate(self, prompt: Prompt, *, output_type: Any = None, **options: Unpack[TextOptions]) -> TextResponse[Any]:
        """The whole answer. With ``output_type`` (a pydantic model, a dataclass, a JSON Schema), ``.output`` has that type."""
        request = text_request(prompt, output_type, {**self.defaults, **options})
        return await self.model.call(request, self.runtime)

    def stream(
        self, prompt: Prompt, *, output_type: Any = None, **options: Unpack[TextOptions]
    ) -> AsyncStream[TextEvent, TextResponse[Any]]:
        """The answer as it comes: text, reasoning and tool calls, then ``Finished``."""
        from modelhub.clients.streams import AsyncStream

        request = text_request(prompt, output_type, {**self.defaults, **options})
        return AsyncStream(self.model.stream(request, self.runtime), self.runtime)

    async def count_tokens(self, prompt: Prompt, *, system: str | None = None, tools: Sequence[Tool] = ()) -> TokenCount:
        """How many tokens this would be, with what the model's template puts around it, before it is asked.

        What the configuration adds (a prompt, documents) is not in it. A model that runs on this machine counts exactly
        (and is loaded for it); where nobody can, ``exact`` is false, and the number an estimate from above.
        """
        from modelhub.clients.counting import counted_prompt

        request = text_request(prompt, None, {**self.defaults, "system": system, "tools": tools})
        return await counted_prompt(self.model, request, self.runtime)

    @overload
    async def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[None]: ...
    @overload
    async def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        output_type: type[OutputT],
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[OutputT]: ...
    @overload
    async def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        output_type: Mapping[str, Any],
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[Any]: ...
    async def run_tools(
        self,
        prompt: Prompt,
        *,
        tools: Sequence[Callable[..., Any] | Tool],
        output_type: Any = None,
        max_turns: int = 8,
        max_calls: int | None = None,
        parallel: bool = True,
        on_call: OnCall | None = None,
        **options: Unpack[TurnOptions],
    ) -> ToolRun[Any]:
        """Ask, call the functions that the model asks for, tell it what they gave, until it answers.

        A function's docstring and signature tell the model what it is for. What a function raises, and arguments that do not
        fit it, go back to the model as an error, and the run goes on. ``max_turns`` bounds the model's answers, ``max_calls``
        the functions called in all; a run that reaches a limit ends there with all it has (``ToolRun.ended``). The calls of
        one answer run beside each other, unless ``parallel`` is false. ``on_call`` is told of each call before, and refuses
        it by returning ``False``. An error of the model is raised with the run so far as its ``partial``.
        """
        from modelhub.clients.tool_loop import ToolLoop, as_tools

        known = {**self.defaults, **options, "tools": as_tools(tools, awaiting=True)}
        request = text_request(prompt, output_type, known)
        return await ToolLoop(self.model, self.runtime, request, max_turns, max_calls, parallel, on_call).run()


def text_request(prompt: Prompt, wanted: Any, options: Mapping[str, Any]) -> TextRequest:
    """A request from a caller's words. Raises ``InvalidRequest`` for an empty prompt or an unknown option."""
    checked(options, _KNOWN)
    options = dict(options)
    messages = _messages(prompt, options.pop("system", None))
    for position, message in enumerate(messages):
        sendable(f"The text of message {position}", message.text)
    knobs = {name: options.pop(name) for name in _KNOBS & options.keys()}
    if (stop := knobs.get("stop_sequences")) is not None:
        knobs["stop_sequences"] = (stop,) if isinstance(stop, str) else _items("stop_sequences", stop, str)
    if "tools" in options:
        options["tools"] = _items("tools", options["tools"], Tool)
    if "passages" in options:
        options["passages"] = _passages(options["passages"])
    return TextRequest(messages=messages, output=_output(wanted), knobs=TextSettings(**knobs) if knobs else _PLAIN, **options)


_PLAIN = TextSettings()
_KNOBS = frozenset(TextSettings.__dataclass_fields__)
_FIELDS = frozenset({"tools", "tool_choice", "passages", "timeouts", "retries", "extra"})
_KNOWN = _FIELDS | _KNOBS | {"system"}


def _passages(given: Any) -> tuple[Passage, ...]:
    if given == ():
        return ()
    from modelhub.interfaces.passages import Passage

    return _items("passages", given, Passage)


def _output(wanted: Any) -> OutputType[Any] | None:
    if wanted is None:
        return None
    from modelhub.interfaces.output import output_type

    found: OutputType[Any] = output_type(wanted)
    return found


def _messages(prompt: Prompt, system: str | None) -> tuple[Message, ...]:
    word("system", system)
    before = (Message("system", system),) if system else ()
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidRequest("The prompt is empty.")
        return (*before, Message("user", prompt))
    return (*before, *((prompt,) if isinstance(prompt, Message) else _turns(prompt)))


def _turns(prompt: Sequence[Message] | Sequence[Part | str]) -> tuple[Message, ...]:
    """A conversation, or one message of the parts. What is neither, dictionaries above all, is refused by its place."""
    items = _items("The prompt", prompt, Message | Part | str)
    if not items:
        raise InvalidRequest("The prompt is empty.")
    messages = tuple(item for item in items if isinstance(item, Message))
    if messages and len(messages) < len(items):
        raise InvalidRequest("A prompt is a list of messages or a list of one message's parts, not both.")
    return messages or (Message("user", tuple(TextPart(item) if isinstance(item, str) else item for item in items)),)


def _items(name: str, values: Any, kind: Any) -> tuple[Any, ...]:
    """A list's items, each of that kind."""
    if not _is_list(values):
        expected = 'a string, Message("user", "..."), or a list of them' if name == "The prompt" else "a list"
        raise InvalidRequest(f"{name} is {type(values).__name__}; it must be {expected}.")
    items: tuple[Any, ...] = tuple(values)
    for position, item in enumerate(items):
        if not isinstance(item, kind):
            wanted = 'write Message("user", "...")' if name == "The prompt" else f"it must be {kind.__name__}"
            raise InvalidRequest(f"{name}: item {position} is {type(item).__name__}; {wanted}.")
    return items


def _is_list(values: object) -> bool:
    return isinstance(values, Sequence) and not isinstance(values, str | bytes)
