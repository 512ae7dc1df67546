"""What has been written down of a recording so far, and the events that tell it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Finished,
    Notice,
    Segment,
    SegmentTranscribed,
    TranscriptDelta,
    TranscriptionEvent,
    TranscriptionRequest,
    TranscriptionResponse,
    Usage,
    Word,
)

__all__ = ["Transcript", "whole"]


@dataclass(slots=True)
class Transcript:
    """Pieces of text join to ``text``; times never go back, and end with the recording."""

    provider: str
    model: str
    request: TranscriptionRequest
    duration: float
    language: str | None = None
    tokens: int | None = None
    notices: list[Notice] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    _text: str = ""
    _space: str = ""
    _segments: list[Segment] = field(default_factory=list)
    _words: list[Word] = field(default_factory=list)

    def add(self, segments: Iterable[Segment], words: Iterable[Word] = ()) -> Iterator[TranscriptionEvent]:
        """Segments, with the space before their texts as the model wrote it, and the words in them."""
        for segment in segments:
            if added := self._joined(segment.text):
                yield TranscriptDelta(added)
            start, end = self._forward(segment)
            self._segments.append(Segment(start, end, segment.text.strip()))
            if "segment" in self.request.timestamps:
                yield SegmentTranscribed(self._segments[-1])
        self._words += words

    def response(self) -> TranscriptionResponse:
        """The whole, as far as it has come."""
        times = self.request.timestamps
        return TranscriptionResponse(
            model=self.model,
            provider=self.provider,
            text=self._text,
            language=self.language,
            duration=self.duration,
            segments=tuple(self._segments) if "segment" in times else (),
            words=tuple(self._words) if "word" in times else (),
            usage=Usage(output_tokens=self.tokens, audio_seconds=self.duration or None),
            notices=tuple(self.notices),
            provider_metadata=self.metadata,
        )

    def so_far(self) -> TranscriptionResponse | None:
        """What there is of it where it broke off; ``None`` where that is nothing."""
        return self.response() if self._segments else None

    def _joined(self, text: str) -> str:
        """What a piece adds: space at the very beginning or end is no part of the text."""
        piece = self._space + text if self._text else text.lstrip()
        added = piece.rstrip()
        self._space = piece[len(added) :]
        self._text += added
        return added

    def _forward(self, segment: Segment) -> tuple[float, float]:
        earliest = self._segments[-1].start if self._segments else 0.0
        start = min(max(segment.start, earliest), self.duration)
        return round(start, 3), round(min(max(segment.end, start), self.duration), 3)


async def whole(events: AsyncGenerator[TranscriptionEvent, None]) -> TranscriptionResponse:
    """The response at the end of a stream."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                return event.response
    raise AnswerError("The transcription ended without its end.")
