"""Transcription: a sound in, its words out, with times; or their translation into English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelhub.errors import InvalidRequest
from modelhub.interfaces.checks import number, texts, word
from modelhub.interfaces.media import AudioPart
from modelhub.model import Finished, Model, Request, Response

__all__ = [
    "Segment",
    "SegmentTranscribed",
    "TranscriptDelta",
    "TranscriptionEvent",
    "TranscriptionModel",
    "TranscriptionRequest",
    "TranscriptionResponse",
    "Word",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionRequest(Request):
    """A sound to be written down.

    ``phrases`` are the words or sentences that may occur: a hint to most models, the whole grammar to a few.
    ``timestamps`` asks for the times of ``segment``, ``word``, or both. ``translate`` asks for English.
    """

    audio: AudioPart
    language: str | None = None
    prompt: str | None = None
    phrases: tuple[str, ...] = ()
    timestamps: frozenset[Literal["segment", "word"]] = frozenset()
    translate: bool = False
    temperature: float | None = None

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        word("language", self.language)
        word("prompt", self.prompt)
        texts("phrases", self.phrases)
        number("temperature", self.temperature, least=0)
        if unknown := self.timestamps - {"segment", "word"}:
            raise InvalidRequest(f"timestamps may be 'segment' and 'word', not {min(map(str, unknown))!r}.")

    def needs(self) -> frozenset[str]:
        return frozenset({f"{name}_timestamps" for name in self.timestamps} | ({"translate"} if self.translate else set()))

    def settings(self) -> Mapping[str, Any]:
        names = ("language", "prompt", "phrases", "temperature")
        return {name: value for name in names if (value := getattr(self, name)) not in (None, ())}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech; times in seconds from the start of the sound."""

    start: float
    end: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word; times in seconds from the start of the sound."""

    start: float
    end: float
    text: str
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionResponse(Response):
    """The words. ``duration`` of the sound in seconds; ``segments`` and ``words`` where they were asked for."""

    text: str
    language: str | None = None
    duration: float | None = None
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()

    def srt(self) -> str:
        """The segments as SubRip subtitles."""
        cues = (
            f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{segment.text.strip()}\n"
            for number, segment in enumerate(self.segments, 1)
        )
        return "\n".join(cues)

    def vtt(self) -> str:
        """The segments as WebVTT subtitles."""
        cues = (
            f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{segment.text.strip()}\n"
            for segment in self.segments
        )
        return "\n".join(("WEBVTT\n", *cues))


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """More of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class SegmentTranscribed:
    """A segment is complete."""

    segment: Segment


TranscriptionEvent = TranscriptDelta | SegmentTranscribed | Finished[TranscriptionResponse]
TranscriptionModel = Model[TranscriptionRequest, TranscriptionResponse, TranscriptionEvent]
