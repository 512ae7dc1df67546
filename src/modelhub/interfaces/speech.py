"""Speech: text in, a sound out, whole or from its first byte on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.interfaces.checks import number, texts, word
from modelhub.model import Finished, Model, Request, Response

__all__ = ["AudioDelta", "SpeechEvent", "SpeechModel", "SpeechRequest", "SpeechResponse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest(Request):
    """A text to be spoken.

    ``speed`` 1.0 is the voice's own. ``output_format`` is ``wav``, ``mp3``, ``opus``, ``flac`` or ``pcm``.
    """

    text: str
    voice: str | None = None
    language: str | None = None
    output_format: str | None = None
    speed: float | None = None
    instructions: str | None = None

    def __post_init__(self) -> None:
        Request.__post_init__(self)
        texts("text", (self.text,))
        for name in ("voice", "language", "output_format", "instructions"):
            word(name, getattr(self, name))
        number("speed", self.speed, above=0)

    def settings(self) -> Mapping[str, Any]:
        names = ("voice", "language", "output_format", "speed", "instructions")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechResponse(Response):
    """A sound. ``sample_rate`` in hertz, ``duration`` in seconds, where they are known."""

    audio: bytes = field(repr=False)
    media_type: str = "audio/wav"
    sample_rate: int | None = None
    duration: float | None = None

    def bytes(self) -> bytes:
        """The sound's bytes."""
        return self.audio

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the bytes to a file."""
        with open(path, "wb") as file:
            file.write(self.audio)


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """More bytes of the sound: all of them joined are ``SpeechResponse.audio``."""

    data: bytes = field(repr=False)


SpeechEvent = AudioDelta | Finished[SpeechResponse]
SpeechModel = Model[SpeechRequest, SpeechResponse, SpeechEvent]
