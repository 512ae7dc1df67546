"""An answer as it comes: lines of JSON into events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    ModelhubError,
    NdjsonDecoder,
    ReasoningDelta,
    StreamBroken,
    TextDelta,
    TextEvent,
    TextResponse,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
)
from modelhub_llama.ollama.answer import Calls, answer, pieces, speaks, tokens
from modelhub_llama.ollama.faults import error_in, reported
from modelhub_llama.ollama.site import Ollama

__all__ = ["LineDecoder"]


class LineDecoder:
    """One stream, of chat or of plain completion.

    It ends well with a line that is ``done``; without one it was cut. An error in a line is raised: as what it means where
    nothing had come before, else as ``StreamBroken`` with what had.
    """

    def __init__(self, site: Ollama, name: str) -> None:
        self._site = site
        self._name = name
        self._lines = NdjsonDecoder()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls = Calls()
        self._called: list[ToolCall] = []
        self._logprobs: list[TokenLogprob] = []
        self._last: Mapping[str, Any] = {}
        self._begun = False
        self.done = False
        """Whether the line that is ``done`` has come."""

    def feed(self, data: bytes) -> list[TextEvent]:
        events: list[TextEvent] = []
        for line in self._lines.feed(data):
            self._read(line, events)
        return events

    def close(self) -> list[TextEvent]:
        events: list[TextEvent] = []
        for line in self._lines.close():
            self._read(line, events)
        if not self.done:
            raise StreamBroken("The stream ended in the middle of the answer.", partial=self.partial())
        if not self._begun:
            raise AnswerError("The stream ended without an answer.", head=str(self._last).encode()[:200])
        return [*events, Finished(self.partial())]

    def partial(self) -> TextResponse[Any]:
        return answer(
            self._site,
            self._last,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            calls=tuple(self._called),
            logprobs=tuple(self._logprobs),
            ended=self.done,
        )

    def _read(self, line: Any, events: list[TextEvent]) -> None:
        if self.done:
            return
        if not isinstance(line, Mapping):
            raise AnswerError(f"A line of the stream is not a JSON object: {str(line)[:100]!r}.")
        if error_in(line):
            raise self._broken(reported(line, self._site, self._name))
        text, reasoning, entries = pieces(line)
        if reasoning:
            self._reasoning.append(reasoning)
            events.append(ReasoningDelta(reasoning))
        if text:
            self._text.append(text)
            events.append(TextDelta(text))
        for call in self._calls.take(entries) if entries else ():
            self._called.append(call)
            events += (ToolCallStarted(call.id, call.name), ToolCallDelta(call.id, call.arguments), ToolCalled(call))
        if "logprobs" in line:
            self._logprobs += tokens(line)
        self._begun = self._begun or speaks(line)
        self._last = line
        self.done = line.get("done") is True

    def _broken(self, error: ModelhubError) -> ModelhubError:
        """The error; behind the first piece of an answer, what broke the stream."""
        if not (self._text or self._reasoning or self._called):
            return error
        told = StreamBroken(f"The stream broke off: {error.message}", partial=self.partial(), code=getattr(error, "code", None))
        told.__cause__ = error
        return told
