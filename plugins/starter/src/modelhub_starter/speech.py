"""``starter:espeak``: text spoken by eSpeak NG, as WAV."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from modelhub.plugin import (
    AnswerError,
    AudioDelta,
    Finished,
    InvalidRequest,
    ModelCard,
    Runtime,
    SpeechEvent,
    SpeechModel,
    SpeechRequest,
    SpeechResponse,
    Usage,
)
from modelhub_starter.cards import card
from modelhub_starter.espeak import spoken
from modelhub_starter.options import StarterOptions

__all__ = ["Espeak", "model"]

_BY_SCRIPT = (("\u3041", "\u30ff", "ja"), ("\uac00", "\ud7a3", "ko"), ("\u4e00", "\u9fff", "cmn"), ("\u0400", "\u04ff", "ru"))
_PIECE = 16_384


def model(name: str, options: StarterOptions | None) -> SpeechModel:  # noqa: ARG001  # nothing to set
    """``starter:espeak``. Raises ``UnknownModel`` for any other name; the engine is looked for when it is first asked."""
    return Espeak(card("speech", name))


@dataclass(frozen=True)
class Espeak:
    """WAV, 16 bits, one channel. ``voice`` is a voice's name or a language; without either the text's script decides. In
    Japanese it reads kana; of kanji it knows few, and says so aloud, character by character.

    A stream's pieces are cut from the finished sound: the engine speaks hundreds of times faster than a person listens.
    """

    card: ModelCard

    async def call(self, request: SpeechRequest, runtime: Runtime) -> SpeechResponse:
        _check(request)
        samples, rate = await runtime.in_thread(_spoken, request)
        if not samples:
            raise AnswerError("eSpeak NG found nothing to say in this text.")
        seconds = len(samples) / 2 / rate
        return SpeechResponse(
            model="espeak",
            provider="starter",
            audio=_header(len(samples), rate) + samples,
            media_type="audio/wav",
            sample_rate=rate,
            duration=seconds,
            usage=Usage(characters=len(request.text), audio_seconds=seconds, source="estimated"),
        )

    async def stream(self, request: SpeechRequest, runtime: Runtime) -> AsyncGenerator[SpeechEvent, None]:
        response = await self.call(request, runtime)
        for start in range(0, len(response.audio), _PIECE):
            yield AudioDelta(response.audio[start : start + _PIECE])
        yield Finished(response)


def _check(request: SpeechRequest) -> None:
    if not request.text.strip():
        raise InvalidRequest("There is no text to speak.")
    if request.output_format not in (None, "wav"):
        raise InvalidRequest(f"starter:espeak gives wav, not {request.output_format}.")


def _spoken(request: SpeechRequest) -> tuple[bytes, int]:
    voice = request.voice or _named(request.language) or _guessed(request.text)
    return spoken(request.text, voice, 1.0 if request.speed is None else request.speed)


def _named(language: str | None) -> str | None:
    """The engine's word for a language tag: it writes ``en-us``, and ``cmn`` for Chinese."""
    tag = (language or "").lower().replace("_", "-")
    return "cmn" if tag.partition("-")[0] == "zh" else tag.removesuffix("-jp") or None


def _guessed(text: str) -> str:
    return next((voice for first, last, voice in _BY_SCRIPT if any(first <= letter <= last for letter in text)), "en-us")


def _header(size: int, rate: int) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)
