"""A chat answer as it comes: server-sent chunks into events. Every token passes here, so the way of a token is short."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    ModelhubError,
    ReasoningDelta,
    ServerSentEvent,
    SseDecoder,
    StreamBroken,
    TextDelta,
    TextEvent,
    TextResponse,
    TokenLogprob,
)
from modelhub_openai.chat_answer import answer, error_in, first_choice, reported
from modelhub_openai.gathering import Extras, read_logprobs, reasoning_of, text_of
from modelhub_openai.site import Site
from modelhub_openai.tool_calls import ToolCalls, fragments
from modelhub_openai.usage import read_usage

__all__ = ["ChatDecoder"]


class ChatDecoder:
    """One stream.

    It has ended well with ``[DONE]`` or with a finish reason, whichever comes; without either it was cut. Chunks may lack
    choices, choices a delta, deltas content. An error inside it is raised: as what it means where nothing had come before,
    else as ``StreamBroken`` with what had.
    """

    def __init__(self, site: Site, name: str, extras: Extras) -> None:
        self._site = site
        self._name = name
        self._extras = extras
        self._lines = SseDecoder()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls = ToolCalls()
        self._logprobs: list[TokenLogprob] | None = None
        self._reason: str | None = None
        self._model: str = ""
        self._usage: Any = None
        self._last: Any = None
        self._begun = False
        self._done = False

    def feed(self, data: bytes) -> list[TextEvent]:
        events: list[TextEvent] = []
        for event in self._lines.feed(data):
            if not self._done:
                self._read(event, events)
        return events

    def close(self) -> list[TextEvent]:
        events: list[TextEvent] = []
        for event in self._lines.close():
            if not self._done:
                self._read(event, events)
        if not self._done and self._reason is None:
            raise StreamBroken("The stream ended in the middle of the answer.", partial=self.partial())
        if not self._begun:
            raise AnswerError("The stream ended without an answer.")
        events += self._calls.close()
        events.append(Finished(self.partial()))
        return events

    def partial(self) -> TextResponse[Any]:
        return answer(
            self._site.provider,
            model=self._model,
            text="".join(self._text),
            refusal="".join(self._refusal),
            reasoning="".join(self._reasoning),
            calls=self._calls.calls(),
            raw_reason=self._reason,
            logprobs=None if self._logprobs is None else tuple(self._logprobs),
            usage=read_usage(self._usage),
            extras=self._extras,
            raw=self._last,
        )

    def _read(self, event: ServerSentEvent, events: list[TextEvent]) -> None:
        if event.data.strip() == "[DONE]":
            self._done = True
            return
        try:
            chunk = json.loads(event.data)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            self._strange(event, chunk)
        elif event.name == "error" or error_in(chunk):
            self._fail(reported(self._site, self._name, chunk))
        else:
            self._chunk(chunk, events)

    def _chunk(self, chunk: dict[str, Any], events: list[TextEvent]) -> None:
        self._extras.answer(chunk)
        self._model = self._model or chunk.get("model") or ""
        if usage := _usage(chunk):
            self._usage, self._last = usage, chunk
        choice = first_choice(chunk)
        if choice is None:
            return
        self._begun = True
        self._extras.choice(choice)
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, Mapping):
            self._delta(delta, events)
        if logprobs := choice.get("logprobs"):
            self._logprobs = (self._logprobs or []) + [*read_logprobs(logprobs)]
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self._reason, self._last = reason, chunk

    def _delta(self, delta: Mapping[str, Any], events: list[TextEvent]) -> None:
        if more := reasoning_of(delta):
            self._reasoning.append(more)
            events.append(ReasoningDelta(more))
        if more := text_of(delta.get("content")):
            self._text.append(more)
            events.append(TextDelta(more))
        if more := text_of(delta.get("refusal")):
            self._refusal.append(more)
            events.append(TextDelta(more))
        for fragment in fragments(delta):
            events += self._calls.feed(fragment)
        self._extras.message(delta)

    def _strange(self, event: ServerSentEvent, value: object) -> None:
        """Data that is no object: an error told as plain text, or garbage."""
        if event.name == "error":
            self._fail(reported(self._site, self._name, {"error": value if isinstance(value, str) else event.data}))
        message = f"A chunk of the stream is not a JSON object: {event.data[:100]!r}."
        self._fail(AnswerError(message, head=event.data.encode("utf-8", "replace")[:200]))

    def _fail(self, error: ModelhubError) -> None:
        """Raise the error; behind the first piece of an answer, as what broke the stream."""
        if not (self._text or self._reasoning or self._refusal or self._calls):
            raise error
        message = f"The stream broke off: {error.message}"
        raise StreamBroken(message, partial=self.partial(), code=getattr(error, "code", None)) from error


def _usage(chunk: Mapping[str, Any]) -> object:
    """Where a chunk tells the usage: at its top, or in Groq's own member, or (Moonshot) in its choice."""
    if found := chunk.get("usage"):
        return found
    own = chunk.get("x_groq")
    return own.get("usage") if isinstance(own, Mapping) else None
