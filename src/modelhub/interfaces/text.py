"""Text: messages in, an answer out; with tools, structured output, reasoning, passages to answer from, and citations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from modelhub.errors import InvalidRequest, did_you_mean
from modelhub.interfaces.checks import number, texts, whole, word
from modelhub.interfaces.content import AudioPart, FilePart, ImagePart, Message, Part, ReasoningPart, TextPart, Tool, ToolCall
from modelhub.model import Request, Response

if TYPE_CHECKING:
    from modelhub.interfaces.output import OutputType
    from modelhub.interfaces.passages import Citation, Passage

__all__ = [
    "FinishReason",
    "TextRequest",
    "TextResponse",
    "TextSettings",
    "TokenLogprob",
]

FinishReason = Literal["stop", "length", "content_filter", "tool_call", "error", "other"]
OutputT = TypeVar("OutputT")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSettings:
    """The knobs. ``None`` leaves a knob to the provider; a zero is sent as a zero.

    ``max_output_tokens`` counts tokens, reasoning included. ``temperature`` and ``top_p`` are what they are everywhere.
    ``logprobs`` asks for the log-probability of each token, with that many alternatives. ``seed`` makes answers repeat
    where the provider can.
    """

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: int | None = None
    reasoning_effort: str | None = None
    parallel_tool_calls: bool | None = None

    def __post_init__(self) -> None:
        whole("max_output_tokens", self.max_output_tokens, least=1)
        number("temperature", self.temperature, least=0)
        number("top_p", self.top_p, above=0, most=1)
        whole("top_k", self.top_k, least=1)
        whole("seed", self.seed)
        number("presence_penalty", self.presence_penalty)
        number("frequency_penalty", self.frequency_penalty)
        whole("logprobs", self.logprobs, least=0)
        word("reasoning_effort", self.reasoning_effort)
        texts("stop_sequences", self.stop_sequences or ())
        if "" in (self.stop_sequences or ()):
            raise InvalidRequest("stop_sequences holds an empty text, at which every answer would stop before it begins.")

    def given(self) -> Mapping[str, Any]:
        """The knobs that are set, by name."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value is not None}


_NEEDS = ((ImagePart, "images"), (AudioPart, "audio"), (FilePart, "files"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest(Request):
    """A conversation to be continued.

    ``tool_choice`` is ``auto``, ``none``, ``required``, or a tool's name. ``output`` asks for an answer of that type.
    ``passages`` are documents to answer from; ``citations`` come back for them. ``asked`` is the question as the caller put it,
    where a prompt strategy has put it in other words since.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    output: OutputType[Any] | None = None
    passages: tuple[Passage, ...] = ()
    knobs: TextSettings = TextSettings()
    asked: str | None = None

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        names = [tool.name for tool in self.tools]
        if self.tool_choice == "required" and not names:
            raise InvalidRequest("tool_choice is 'required', but there are no tools.")
        if self.tool_choice not in ("auto", "none", "required", *names):
            hint = did_you_mean(self.tool_choice, ["auto", "none", "required", *names])
            raise InvalidRequest(f"tool_choice is {self.tool_choice!r}, which is no tool of this request.{hint}")

    @property
    def question(self) -> str:
        """What was asked: ``asked``, or the text of the last user message."""
        if self.asked is not None:
            return self.asked
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        return ""

    def needs(self) -> frozenset[str]:
        parts = [part for message in self.messages for part in message.content]
        needs = {name for kind, name in _NEEDS if any(isinstance(part, kind) for part in parts)}
        if self.tools:
            needs.add("tools")
        if self.output is not None:
            needs.add("structured_output")
        return frozenset(needs)

    def settings(self) -> Mapping[str, Any]:
        return self.knobs.given()

    def without(self, names: Iterable[str]) -> Self:
        return replace(self, knobs=replace(self.knobs, **dict.fromkeys(names)))


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token of the answer, its natural-log probability, and the likeliest alternatives."""

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)  # with slots, TextResponse[City](...) would raise in its frozen __setattr__
class TextResponse(Response, Generic[OutputT]):
    """An answer.

    ``content`` is what came, in order; ``text``, ``reasoning`` and ``tool_calls`` are views of it. ``output`` is the answer
    in the ``output_type`` asked for. ``raw_finish_reason`` is the provider's own word.
    """

    content: tuple[Part, ...] = ()
    finish_reason: FinishReason = "other"
    raw_finish_reason: str | None = None
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[TokenLogprob, ...] | None = None
    output: OutputT = None  # type: ignore[assignment]  # OutputT is None where no output_type was asked for

    @property
    def text(self) -> str:
        """All text of the answer, joined."""
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """All reasoning that the model showed, joined."""
        return "".join(part.text for part in self.content if isinstance(part, ReasoningPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools the model asks for."""
        return tuple(part for part in self.content if isinstance(part, ToolCall))

    @property
    def complete(self) -> bool:
        """Whether the model said all it wanted to: it stopped by itself, or called a tool."""
        return self.finish_reason in ("stop", "tool_call")

    @property
    def message(self) -> Message:
        """The answer as a turn, to be put behind the messages of the next request."""
        return Message("assistant", self.content)
