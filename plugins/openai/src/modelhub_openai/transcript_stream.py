"""A transcript as it comes: events, or the whole answer of a model that does not stream."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    Headers,
    HttpResponse,
    ModelhubError,
    Segment,
    SegmentTranscribed,
    ServerSentEvent,
    SseDecoder,
    StreamBroken,
    TranscriptDelta,
    TranscriptionEvent,
    TranscriptionResponse,
)
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.site import Site
from modelhub_openai.transcripts import read_segment, transcript, understood

__all__ = ["TranscriptDecoder"]


_BLANK = b"\xef\xbb\xbf \r\n\t"
_EVENTS = (b"", b"d", b"e", b"i", b"r", b":")
"""How a stream of events begins: ``data``, ``event``, ``id``, ``retry``, a comment."""


class TranscriptDecoder:
    """One transcript. It has ended well with ``transcript.text.done``; JSON in the place of events is the whole answer."""

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._name = name
        self._lines = SseDecoder()
        self._beginning = bytearray()
        self._whole: bytearray | None = None
        self._text: list[str] = []
        self._segments: list[Segment] = []
        self._last: dict[str, Any] = {}
        self.done = False
        """Whether the last event has come: the text is complete, whether or not the body ends."""

    def feed(self, data: bytes) -> Iterable[TranscriptionEvent]:
        if self._whole is not None:
            self._whole += data
            return []
        if not self._beginning.strip(_BLANK):
            self._beginning += data
            if self._beginning.lstrip(_BLANK).startswith(b"{"):
                self._whole = self._beginning
                return []
        return (said for event in self._lines.feed(data) for said in self._heard(event))

    def close(self) -> list[TranscriptionEvent]:
        if self._whole is not None:
            return self._all_at_once(bytes(self._whole))
        events = [said for event in self._lines.close() for said in self._heard(event)]
        if self._beginning.strip(_BLANK)[:1] not in _EVENTS:
            raise AnswerError("The answer is no stream of events.", head=bytes(self._beginning[:200]))
        if not self.done:
            raise StreamBroken("The stream ended in the middle of the transcript.", partial=self.partial())
        return [*events, Finished(self.partial())]

    def partial(self) -> TranscriptionResponse:
        said = {**self._last, "text": "".join(self._text) or self._last.get("text") or ""}
        return replace(transcript(said, self._site, self._name), segments=tuple(self._segments))

    def _heard(self, event: ServerSentEvent) -> list[TranscriptionEvent]:
        if self.done or event.data == "[DONE]":
            return []
        said = event.json()
        if not isinstance(said, dict):
            return []
        if error_in(said):
            raise self._broken(reported(self._site, self._name, said))
        match said.get("type"):
            case "transcript.text.delta":
                return self._more(said.get("delta"))
            case "transcript.text.segment":
                return self._segment(said)
            case "transcript.text.done":
                self.done, self._last = True, said
                return self._rest(said.get("text"))
        return []

    def _more(self, text: object) -> list[TranscriptionEvent]:
        if not isinstance(text, str) or not text:
            return []
        self._text.append(text)
        return [TranscriptDelta(text)]

    def _segment(self, said: dict[str, Any]) -> list[TranscriptionEvent]:
        segment = read_segment(said)
        if segment is None:
            return []
        self._segments.append(segment)
        return [SegmentTranscribed(segment)]

    def _rest(self, text: object) -> list[TranscriptionEvent]:
        """What the whole text has beyond its pieces; where they tell another story, theirs has been heard already."""
        told = "".join(self._text)
        return self._more(text[len(told) :]) if isinstance(text, str) and text.startswith(told) else []

    def _broken(self, error: ModelhubError) -> ModelhubError:
        """The error as it is where nothing had come, else as that of a stream that broke."""
        begun = self._text or self._segments
        return StreamBroken(error.message, partial=self.partial()) if begun else error

    def _all_at_once(self, body: bytes) -> list[TranscriptionEvent]:
        try:
            json.loads(body)
        except ValueError:
            raise StreamBroken("The answer ended in its middle.", partial=self.partial()) from None
        headers = Headers({"content-type": "application/json"})
        response = understood(HttpResponse(200, headers, body), self._site, self._name)
        events: list[TranscriptionEvent] = [TranscriptDelta(response.text)] if response.text else []
        return [*events, *map(SegmentTranscribed, response.segments), Finished(response)]
