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
    StreamBroken,
    TextDelta,
    TextEvent,
    TextResponse,
    TokenLogprob,
)
from modelhub_openai.chat_answer import answer, error_in, first_choice, reported
from modelhub_openai.gathering import Extras, read_logprobs, reasoning_of, text_of
from modelhub_openai.plain_events import PlainEvents
from modelhub_openai.site import Site
from modelhub_openai.template import Template
from modelhub_openai.tool_calls import ToolCalls, fragments
from modelhub_openai.usage import read_usage

__all__ = ["ChatDecoder"]

_BLANK = b"\xef\xbb\xbf \r\n\t"


class ChatDecoder:
    """One stream.

    It has ended well with ``[DONE]`` or with a finish reason, whichever comes; without either it was cut. Chunks may lack
    choices, choices a delta, deltas content. An error inside it is raised: as what it means where nothing had come before,
    else as ``StreamBroken`` with what had. A body that is no stream but one JSON object is the whole answer, or an error.
    """

    def __init__(self, site: Site, name: str, extras: Extras) -> None:
        self._site = site
        self._name = name
        self._extras = extras
        self._events = PlainEvents()
        self._template: Template | None = None
        self._texts: dict[str, list[str]] = {"content": [], "reasoning": [], "refusal": []}
        self._calls = ToolCalls()
        self._logprobs: list[TokenLogprob] = []
        self._reason: str | None = None
        self._model = ""
        self._usage: object = None
        self._last: Mapping[str, Any] | None = None
        self._begun = False
        self._beginning = bytearray()
        """What came before the first event: all of a body that is no stream."""
        self._heard = False
        self.done = False
        """Whether ``[DONE]`` has come: the answer is complete, whether or not the body ends."""

    def feed(self, data: bytes) -> list[TextEvent]:
        events: list[TextEvent] = []
        if not self._heard:
            self._beginning += data
        if self._template is not None and self._events.between and not self.done:
            pieces, end = self._template.texts(data)
            for piece in pieces:
                self._say(self._template.says, piece, events)
            data = data[end:]
        for event in self._events.feed(data):
            if isinstance(event, bytes):
                template = self._template
                if template is not None and (text := template.text(event)) is not None and not self.done:
                    self._say(template.says, text, events)
                else:
                    self._read(event.decode("utf-8", "replace"), events, plain=event)
            else:
                self._read(event.data, events, name=event.name)
        return events

    def close(self) -> list[TextEvent]:
        events: list[TextEvent] = []
        for event in self._events.close():
            self._read(event.data, events, name=event.name)
        if not self._heard and (whole := self._beginning.lstrip(_BLANK)).startswith((b"{", b"<")):
            self._read(whole.decode("utf-8", "replace"), events)
            self.done = True
        if not self.done and self._reason is None:
            raise StreamBroken("The stream ended in the middle of the answer.", partial=self.partial())
        if not self._begun:
            raise AnswerError("The stream ended without an answer.", head=bytes(self._beginning[:200]))
        events += self._calls.close()
        events.append(Finished(self.partial()))
        return events

    def partial(self) -> TextResponse[Any]:
        texts = {name: "".join(pieces) for name, pieces in self._texts.items()}
        return answer(
            self._site.provider,
            model=self._model,
            text=texts["content"],
            refusal=texts["refusal"],
            reasoning=texts["reasoning"],
            calls=self._calls.calls(),
            raw_reason=self._reason,
            logprobs=tuple(self._logprobs),
            usage=read_usage(self._usage),
            extras=self._extras,
            raw=self._last,
        )

    def _read(self, data: str, events: list[TextEvent], *, name: str = "message", plain: bytes = b"") -> None:
        """One event; ``plain`` are its bytes, if a template can be made of them."""
        self._heard = True
        if self.done:
            return
        if data.strip() == "[DONE]":
            self.done = True
            return
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            chunk = None
        if name == "error" or not isinstance(chunk, dict) or error_in(chunk):
            raise self._broken(self._failure(data, chunk, name))
        delta = self._chunk(chunk, events)
        self._template = _template(plain, chunk, delta) if plain and delta else None

    def _chunk(self, chunk: dict[str, Any], events: list[TextEvent]) -> Mapping[str, Any] | None:
        """Read one chunk; gives the delta of its first choice."""
        self._extras.answer(chunk)
        self._model = self._model or chunk.get("model") or ""
        if usage := _usage(chunk):
            self._usage, self._last = usage, chunk
        choice = first_choice(chunk)
        if choice is None:
            return None
        self._begun = True
        self._extras.choice(choice)
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, Mapping):
            delta = {}
        self._delta(delta, events)
        if logprobs := choice.get("logprobs"):
            self._logprobs += read_logprobs(logprobs)
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self._reason, self._last = reason, chunk
        return delta

    def _delta(self, delta: Mapping[str, Any], events: list[TextEvent]) -> None:
        if more := reasoning_of(delta):
            self._say("reasoning", more, events)
        if more := text_of(delta.get("content")):
            self._say("content", more, events)
        if more := text_of(delta.get("refusal")):
            self._say("refusal", more, events)
        for fragment in fragments(delta):
            events += self._calls.feed(fragment)
        self._extras.message(delta)

    def _say(self, what: str, more: str, events: list[TextEvent]) -> None:
        if more:
            self._texts[what].append(more)
            events.append(ReasoningDelta(more) if what == "reasoning" else TextDelta(more))

    def _failure(self, data: str, value: object, name: str) -> ModelhubError:
        """What an event stands for that is an error, or that is nothing."""
        if isinstance(value, Mapping):
            return reported(self._site, self._name, value)
        if name == "error":
            return reported(self._site, self._name, {"error": value if isinstance(value, str) else data})
        message = f"A chunk of the stream is not a JSON object: {data[:100]!r}."
        return AnswerError(message, head=data.encode("utf-8", "replace")[:200])

    def _broken(self, error: ModelhubError) -> ModelhubError:
        """The error; behind the first piece of an answer, what broke the stream."""
        if not any(self._texts.values()) and not self._calls:
            return error
        told = StreamBroken(f"The stream broke off: {error.message}", partial=self.partial(), code=getattr(error, "code", None))
        told.__cause__ = error
        return told


def _usage(chunk: Mapping[str, Any]) -> object:
    """Where a chunk tells the usage: at its top, or in Groq's own member."""
    if found := chunk.get("usage"):
        return found
    own = chunk.get("x_groq")
    return own.get("usage") if isinstance(own, Mapping) else None


def _template(data: bytes, chunk: Mapping[str, Any], delta: Mapping[str, Any]) -> Template | None:
    """The template of a chunk that says nothing but more text; ``None`` for any other."""
    choices = chunk["choices"]
    says = [member for member, value in delta.items() if value and member != "role"]
    if len(says) != 1 or says[0] not in _SAYS or not isinstance(delta[says[0]], str) or len(choices) > 1 or _usage(chunk):
        return None
    if choices[0].get("logprobs") or choices[0].get("finish_reason"):
        return None
    return Template.of(data, says[0], delta[says[0]], _SAYS[says[0]])


_SAYS = {"content": "content", "reasoning_content": "reasoning", "reasoning": "reasoning", "refusal": "refusal"}
