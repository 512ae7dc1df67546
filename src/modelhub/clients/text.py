"""Text: ``generate`` an answer, or ``stream`` it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar, Unpack, overload

from modelhub.clients.streams import AsyncStream, Stream
from modelhub.errors import InvalidRequest, did_you_mean
from modelhub.interfaces.content import Message, Part, Passage, TextPart, Tool
from modelhub.interfaces.output import output_type
from modelhub.interfaces.text import TextEvent, TextModel, TextRequest, TextResponse, TextSettings
from modelhub.model import ModelCard, Runtime, Timeouts
from modelhub.transport.drive import drive

__all__ = ["AsyncTextClient", "Prompt", "TextClient", "TextOptions"]

OutputT = TypeVar("OutputT")
Prompt = str | Message | Sequence[Message] | Sequence[Part | str]
"""A question; one message; a conversation; or the parts of one user message, strings among them."""


class TextOptions(TypedDict, total=False):
    """What ``generate`` and ``stream`` take beside the prompt; see ``TextRequest`` and ``TextSettings`` for each."""

    system: str | None
    tools: Sequence[Tool]
    tool_choice: str
    passages: Sequence[Passage]
    timeouts: Timeouts
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


@dataclass(frozen=True, slots=True)
class TextClient:
    """A text model by its name, blocking."""

    model: TextModel
    runtime: Runtime
    defaults: TextOptions

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.model.card

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
        request = text_request(prompt, output_type, {**self.defaults, **options})
        return Stream(self.model.stream(request, self.runtime))


@dataclass(frozen=True, slots=True)
class AsyncTextClient:
    """A text model by its name, awaited."""

    model: TextModel
    runtime: Runtime
    defaults: TextOptions

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.model.card

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
        request = text_request(prompt, output_type, {**self.defaults, **options})
        return AsyncStream(self.model.stream(request, self.runtime))


def text_request(prompt: Prompt, wanted: Any, options: Mapping[str, Any]) -> TextRequest:
    """A request from a caller's words. Raises ``InvalidRequest`` for an empty prompt or an unknown option."""
    options = dict(options)
    system = options.pop("system", None)
    messages = _messages(prompt)
    if system:
        messages = (Message("system", system), *messages)
    knobs = {name: options.pop(name) for name in _KNOBS & options.keys()}
    if (stop := knobs.get("stop_sequences")) is not None:
        knobs["stop_sequences"] = (stop,) if isinstance(stop, str) else tuple(stop)
    if unknown := options.keys() - _FIELDS:
        name = min(unknown)
        raise InvalidRequest(f"There is no option {name!r}.{did_you_mean(name, sorted(_FIELDS | _KNOBS))}")
    for name in ("tools", "passages"):
        options[name] = tuple(options.get(name, ()))
    return TextRequest(
        messages=messages, output=None if wanted is None else output_type(wanted), knobs=TextSettings(**knobs), **options
    )


_KNOBS = frozenset(TextSettings.__dataclass_fields__)
_FIELDS = frozenset({"tools", "tool_choice", "passages", "timeouts", "extra"})


def _messages(prompt: Prompt) -> tuple[Message, ...]:
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidRequest("The prompt is empty.")
        return (Message("user", prompt),)
    if isinstance(prompt, Message):
        return (prompt,)
    items = tuple(prompt)
    if not items:
        raise InvalidRequest("The prompt is empty.")
    messages = tuple(item for item in items if isinstance(item, Message))
    if messages and len(messages) < len(items):
        raise InvalidRequest("A prompt is a list of messages or a list of one message's parts, not both.")
    return messages or (Message("user", tuple(TextPart(item) if isinstance(item, str) else item for item in items)),)  # type: ignore[misc]
