"""What a run with tools came to: the answer, and all that was said and done on the way."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from modelhub.interfaces.content import Message, ToolCall, ToolResult
from modelhub.interfaces.text import TextResponse
from modelhub.model import Attempt, Notice, Usage

__all__ = ["RunEnd", "ToolRun", "ToolUse"]

OutputT = TypeVar("OutputT")
RunEnd = Literal["answer", "max_turns", "max_calls", "tool_call", "cut", "error"]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One call that was served: what the model asked for, what it was told, and what the function raised, if it did."""

    call: ToolCall
    result: ToolResult
    turn: int
    """The answer that asked for it; the first one is 1."""
    seconds: float = 0.0
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)  # with slots, ToolRun[City](...) would raise in its frozen __setattr__
class ToolRun(Generic[OutputT]):
    """A conversation in which tools were called.

    ``ended`` says why it is over. ``answer``: the model asked for no further tool. ``max_turns``, ``max_calls``: the limit was
    reached, and the calls that the last answer asks for were not served. ``tool_call``: it asks for a tool that has no
    function here. ``cut``: it ended in the middle of its calls. ``error``: this run is the ``partial`` of an exception. In all
    but the first case ``run_tools(run.messages, ...)`` goes on from there.
    """

    messages: tuple[Message, ...]
    """The whole conversation, the last answer included."""
    responses: tuple[TextResponse[OutputT], ...] = ()
    """The model's answers, one a turn."""
    uses: tuple[ToolUse, ...] = ()
    """The calls that were served, in the order in which they were asked for."""
    ended: RunEnd = "answer"
    usage: Usage = Usage()
    """Of all turns together; a count that one of them does not tell is unknown."""
    cost: Decimal | None = None
    unpriced: str | None = None
    notices: tuple[Notice, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def response(self) -> TextResponse[OutputT]:
        """The last answer. Raises ``IndexError`` where there is none."""
        return self.responses[-1]

    @property
    def text(self) -> str:
        """The text of the last answer."""
        return self.responses[-1].text if self.responses else ""

    @property
    def output(self) -> OutputT:
        """The last answer in the ``output_type`` asked for."""
        return self.response.output

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """The calls at the end of the conversation that nobody has served."""
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != "assistant":
            return ()
        return tuple(part for part in last.content if isinstance(part, ToolCall))

    @property
    def complete(self) -> bool:
        """Whether the model said all it wanted to say, and waits for no tool."""
        return self.ended == "answer" and self.response.complete


def run_of(
    messages: tuple[Message, ...], responses: list[TextResponse[Any]], uses: list[ToolUse], ended: RunEnd
) -> ToolRun[Any]:
    """A run with what its answers used and cost in all."""
    from modelhub.wrappers.summing import summed

    sums: Any = summed(responses) if responses else TextResponse[None]()
    return ToolRun(
        messages=messages,
        responses=tuple(responses),
        uses=tuple(uses),
        ended=ended,
        usage=sums.usage,
        cost=sums.cost,
        unpriced=sums.unpriced,
        notices=sums.notices,
        attempts=sums.attempts,
    )
