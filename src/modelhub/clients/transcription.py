"""Transcription: ``transcribe`` a sound, or ``stream`` its words as they are understood."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Literal, TypedDict, Unpack

from modelhub.clients.client import Client
from modelhub.clients.requests import made
from modelhub.clients.streams import AsyncStream, Stream
from modelhub.errors import InvalidRequest
from modelhub.interfaces.media import AudioPart
from modelhub.interfaces.transcription import (
    TranscriptionEvent,
    TranscriptionModel,
    TranscriptionRequest,
    TranscriptionResponse,
)
from modelhub.model import Timeouts
from modelhub.transport.drive import drive

__all__ = ["AsyncTranscriptionClient", "Audio", "TranscriptionClient", "TranscriptionOptions"]

Audio = str | os.PathLike[str] | bytes | BinaryIO | AudioPart
"""A path, the bytes of a sound file, a file opened in binary mode, or an ``AudioPart``."""


class TranscriptionOptions(TypedDict, total=False):
    """What ``transcribe`` and ``stream`` take beside the sound; see ``TranscriptionRequest``."""

    language: str | None
    prompt: str | None
    phrases: Iterable[str]
    timestamps: Iterable[Literal["segment", "word"]]
    translate: bool
    temperature: float | None
    timeouts: Timeouts
    retries: int | None
    extra: Mapping[str, Any]


class TranscriptionClient(Client[TranscriptionModel, TranscriptionOptions]):
    """A transcription model by its name, blocking."""

    __slots__ = ()

    def transcribe(self, audio: Audio, **options: Unpack[TranscriptionOptions]) -> TranscriptionResponse:
        """The words of a sound; with ``timestamps``, their times."""
        return drive(self.model.call(transcription_request(audio, {**self.defaults, **options}), self.runtime))

    def stream(
        self, audio: Audio, **options: Unpack[TranscriptionOptions]
    ) -> Stream[TranscriptionEvent, TranscriptionResponse]:
        """The words as they are understood, then ``Finished``."""
        return Stream(self.model.stream(transcription_request(audio, {**self.defaults, **options}), self.runtime))


class AsyncTranscriptionClient(Client[TranscriptionModel, TranscriptionOptions]):
    """A transcription model by its name, awaited."""

    __slots__ = ()

    async def transcribe(self, audio: Audio, **options: Unpack[TranscriptionOptions]) -> TranscriptionResponse:
        """The words of a sound; with ``timestamps``, their times."""
        return await self.model.call(transcription_request(audio, {**self.defaults, **options}), self.runtime)

    def stream(
        self, audio: Audio, **options: Unpack[TranscriptionOptions]
    ) -> AsyncStream[TranscriptionEvent, TranscriptionResponse]:
        """The words as they are understood, then ``Finished``."""
        request = transcription_request(audio, {**self.defaults, **options})
        return AsyncStream(self.model.stream(request, self.runtime), self.runtime)


def transcription_request(audio: Audio, options: Mapping[str, Any]) -> TranscriptionRequest:
    """A request from a caller's sound. Raises ``InvalidRequest`` where the file cannot be read or is empty."""
    options = dict(options)
    for name, collect in (("phrases", tuple), ("timestamps", frozenset)):
        if name in options:
            given = options[name]
            if not isinstance(given, Iterable):
                raise InvalidRequest(f"{name} is {given!r}; it must be a list of strings.")
            options[name] = collect((given,) if isinstance(given, str) else given)
    return made(TranscriptionRequest, options, audio=_sound(audio))


def _sound(audio: Audio) -> AudioPart:
    if isinstance(audio, AudioPart):
        return audio
    if isinstance(audio, str) and audio.startswith(_ADDRESSES):
        raise InvalidRequest("The address of a sound is not fetched, for it may lead anywhere: read it, and give its bytes.")
    return AudioPart.read(audio)


_ADDRESSES = ("https://", "http://")
