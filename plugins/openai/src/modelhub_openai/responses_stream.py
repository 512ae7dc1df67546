"""An answer of the responses API as it comes: typed server-sent events into ours. What is not known is passed over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    Headers,
    HttpResponse,
    ModelhubError,
    ReasoningDelta,
    ServerSentEvent,
    SseDecoder,
    StreamBroken,
    TextDelta,
    TextEvent,
    TextResponse,
    ToolCall,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
)
from modelhub_openai.chat_answer import reported
from modelhub_openai.output_items import OutputItems
from modelhub_openai.responses_answer import answer, call_id, parse
from modelhub_openai.site import Site

__all__ = ["ResponsesDecoder"]

_BLANK = b"\xef\xbb\xbf \r\n\t"
_ENDS = ("response.completed", "response.incomplete", "response.cancelled")


class ResponsesDecoder:
    """One stream. It has ended well with ``response.completed`` or ``response.incomplete``; without either it was cut."""

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._name = name
        self._lines = SseDecoder()
        self._items = OutputItems()
        self._response: Mapping[str, Any] = {}
        self._text: list[str] = []
        self._thought: list[str] = []
        self._started: dict[str, bool] = {}
        """The calls that were told of, by id; whether as a whole."""
        self.done = False
        """Whether the response has come to its end, whether or not the body does."""
        self._beginning = bytearray()
        """What came before the first event: all of a body that is no stream."""
        self._heard = False

    def feed(self, data: bytes) -> Iterator[TextEvent]:
        if not self._heard:
            self._beginning += data
        return self._told_by(self._lines.feed(data))

    def close(self) -> Iterator[TextEvent]:
        yield from self._told_by(self._lines.close())
        if not self._heard and self._beginning.lstrip(_BLANK).startswith((b"{", b"<")):
            self._all_at_once(bytes(self._beginning))
        if not self.done:
            raise StreamBroken("The stream ended in the middle of the answer.", partial=self.partial())
        response = answer(self._response, self._site.provider)
        yield from self._owed(response)
        yield Finished(response)

    def partial(self) -> TextResponse[Any]:
        said = self._response if self.done else {**self._response, "output": self._items.output(), "status": None}
        return answer(said, self._site.provider)

    def _told_by(self, events: Iterable[ServerSentEvent]) -> Iterator[TextEvent]:
        """One by one, so that what stands before an error is told."""
        for event in events:
            if not self.done:
                self._heard = True
                yield from self._read(event)

    def _all_at_once(self, body: bytes) -> None:
        """The answer of a host that does not stream. Raises ``AnswerError`` where it is none."""
        self._response = parse(HttpResponse(200, Headers(), body), self._site, self._name).raw
        self.done = True

    def _read(self, event: ServerSentEvent) -> Iterator[TextEvent]:
        if event.data.strip() == "[DONE]":
            return
        try:
            said = json.loads(event.data)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, Mapping):
            message = f"An event of the stream is not a JSON object: {event.data[:100]!r}."
            self._fail(AnswerError(message, head=event.data.encode("utf-8", "replace")[:200]))
        else:
            yield from self._event(str(said.get("type") or event.name), said)

    def _event(self, kind: str, said: Mapping[str, Any]) -> Iterator[TextEvent]:
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                yield from self._more_text(said)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from self._more_thought(said)
            case "response.function_call_arguments.delta":
                yield from self._more_arguments(said)
            case "response.output_item.added":
                self._items.added(said)
                yield from self._begun(self._items.item(said))
            case "response.output_item.done":
                self._items.done(said)
                yield from self._called(self._items.item(said))
            case "error" | "response.error" | "response.failed":
                self._fail(self._reported(said))
            case _ if isinstance(response := said.get("response"), Mapping):
                self._told(kind, response)
            case _ if said.get("error"):
                self._fail(self._reported(said))

    def _told(self, kind: str, response: Mapping[str, Any]) -> None:
        """The response object, at the beginning and at the end. An end without output is made of what had come."""
        self._response = response
        if kind in _ENDS:
            self.done = True
            status = response.get("status") or kind.removeprefix("response.")
            self._response = {**response, "status": status, "output": response.get("output") or self._items.output()}

    def _more_text(self, said: Mapping[str, Any]) -> Iterator[TextEvent]:
        if more := self._items.text(said, "refusal" if "refusal" in str(said.get("type")) else "text"):
            self._text.append(more)
            yield TextDelta(more)

    def _more_thought(self, said: Mapping[str, Any]) -> Iterator[TextEvent]:
        if more := self._items.thought(said):
            self._thought.append(more)
            yield ReasoningDelta(more)

    def _more_arguments(self, said: Mapping[str, Any]) -> Iterator[TextEvent]:
        item = self._items.item(said)
        known = call_id(item) in self._started
        more = self._items.arguments(said)
        if not known:
            yield from self._begun(item)
        elif more:
            yield ToolCallDelta(call_id(item), more)

    def _begun(self, item: Mapping[str, Any]) -> Iterator[TextEvent]:
        """A call is told of when its id and its name are known."""
        number, name = call_id(item), item.get("name")
        if item.get("type") == "function_call" and number and name and number not in self._started:
            self._started[number] = False
            yield ToolCallStarted(number, str(name))
            if arguments := item.get("arguments"):
                yield ToolCallDelta(number, str(arguments))

    def _called(self, item: Mapping[str, Any]) -> Iterator[TextEvent]:
        yield from self._begun(item)
        number = call_id(item)
        if self._started.get(number) is False:
            self._started[number] = True
            yield ToolCalled(ToolCall(number, str(item.get("name")), str(item.get("arguments") or "")))

    def _owed(self, response: TextResponse[Any]) -> Iterator[TextEvent]:
        """What the end told, and no event before it."""
        for whole, told, kind in ((response.reasoning, self._thought, ReasoningDelta), (response.text, self._text, TextDelta)):
            if whole.startswith(said := "".join(told)) and len(whole) > len(said):
                yield kind(whole[len(said) :])
        for call in response.tool_calls:
            yield from self._called(
                {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            )

    def _reported(self, said: Mapping[str, Any]) -> ModelhubError:
        inner = said.get("response")
        error = inner.get("error") if isinstance(inner, Mapping) else said.get("error")
        if isinstance(inner, Mapping):
            self._response = inner
        flat = {name: said[name] for name in ("code", "message", "param") if said.get(name) is not None}
        return reported(self._site, self._name, {"error": error or flat or {"message": "The model failed."}})

    def _fail(self, error: ModelhubError) -> None:
        """Raise the error; behind the first piece of an answer, as what broke the stream."""
        if not (self._text or self._thought or self._started):
            raise error
        message = f"The stream broke off: {error.message}"
        raise StreamBroken(message, partial=self.partial(), code=getattr(error, "code", None)) from error
