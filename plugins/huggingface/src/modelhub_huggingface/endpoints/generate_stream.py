"""A plain completion as it comes from TGI: one event a token, and the whole text in the last one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    HttpResponse,
    ModelhubError,
    ServerSentEvent,
    SseDecoder,
    StreamBroken,
    TextDelta,
    TextEvent,
    TextResponse,
    TokenLogprob,
)
from modelhub_huggingface.endpoints.generate import answer, logprob, whole
from modelhub_huggingface.endpoints.server import Server

__all__ = ["GenerateDecoder"]

_BLANK = b"\xef\xbb\xbf \r\n\t"


class GenerateDecoder:
    """One stream. It has ended well with the event that holds ``generated_text``; without one it was cut.

    An error in it is raised: as what it means where nothing had come before, else as ``StreamBroken`` with what had. A body
    that is no stream but JSON is the whole answer, or an error.
    """

    def __init__(self, site: Server, name: str) -> None:
        self._site = site
        self._name = name
        self._lines = SseDecoder()
        self._text: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._details: Mapping[str, Any] = {}
        self._last: Any = None
        self._beginning = bytearray()
        self._heard = False
        self.done = False
        """Whether the last event has come: the answer is complete, whether or not the body ends."""

    def feed(self, data: bytes) -> list[TextEvent]:
        if not self._heard:
            self._beginning += data
        return [said for event in self._lines.feed(data) for said in self._read(event)]

    def close(self) -> list[TextEvent]:
        events = [said for event in self._lines.close() for said in self._read(event)]
        if not self._heard and self._beginning.lstrip(_BLANK).startswith((b"{", b"[")):
            return self._all_at_once(bytes(self._beginning))
        if not self.done:
            raise StreamBroken("The stream ended in the middle of the answer.", partial=self.partial())
        return [*events, Finished(self.partial())]

    def partial(self) -> TextResponse[Any]:
        return answer(self._site, self._name, "".join(self._text), self._details, self._logprobs, self._last)

    def _read(self, event: ServerSentEvent) -> list[TextEvent]:
        self._heard = True
        if self.done or event.data.strip() == "[DONE]":
            return []
        try:
            said = json.loads(event.data)
        except (ValueError, RecursionError):
            said = None
        if event.name == "error" or not isinstance(said, Mapping) or said.get("error"):
            raise self._broken(self._failure(event, said))
        return self._token(said)

    def _token(self, said: Mapping[str, Any]) -> list[TextEvent]:
        self._last = said
        token = said.get("token")
        text = ""
        if isinstance(token, Mapping) and not token.get("special"):
            text = str(token.get("text") or "")
            if (found := logprob(token, said.get("top_tokens"))) is not None:
                self._logprobs.append(found)
        if isinstance(whole_text := said.get("generated_text"), str):
            self.done, self._details = True, said.get("details") or {}
            told = "".join(self._text) + text
            text += whole_text[len(told) :] if whole_text.startswith(told) else ""
        if not text:
            return []
        self._text.append(text)
        return [TextDelta(text)]

    def _failure(self, event: ServerSentEvent, said: Any) -> ModelhubError:
        if isinstance(said, Mapping) or event.name == "error":
            body = event.data if isinstance(said, Mapping) else json.dumps({"error": event.data}, ensure_ascii=False)
            return self._site.fault(HttpResponse(0, body=body.encode("utf-8", "backslashreplace")), self._name)
        message = f"An event of the stream is not a JSON object: {event.data[:100]!r}."
        return AnswerError(message, head=event.data.encode("utf-8", "replace")[:200])

    def _broken(self, error: ModelhubError) -> ModelhubError:
        """The error; behind the first piece of an answer, what broke the stream."""
        if not self._text:
            return error
        told = StreamBroken(f"The stream broke off: {error.message}", partial=self.partial(), code=getattr(error, "code", None))
        told.__cause__ = error
        return told

    def _all_at_once(self, body: bytes) -> list[TextEvent]:
        try:
            json.loads(body)
        except ValueError:
            raise StreamBroken("The answer ended in its middle.", partial=self.partial()) from None
        response = whole(HttpResponse(200, body=body), self._site, self._name)
        return [*([TextDelta(response.text)] if response.text else []), Finished(response)]
