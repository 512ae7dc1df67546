"""``starter:commands``: which of the request's phrases was spoken, by PocketSphinx with a closed grammar."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from modelhub.plugin import (
    Finished,
    ModelCard,
    PluginMissing,
    Runtime,
    Segment,
    SegmentTranscribed,
    TranscriptDelta,
    TranscriptionEvent,
    TranscriptionModel,
    TranscriptionRequest,
    TranscriptionResponse,
    Unsupported,
    Usage,
    Word,
)
from modelhub_starter.cards import card
from modelhub_starter.grammar import grammar, phrases
from modelhub_starter.options import StarterOptions
from modelhub_starter.sound import RATE, samples

__all__ = ["Commands", "model"]

_FRAMES = 100
_PAUSE = RATE // 4
_VARIANT = re.compile(r"\(\d+\)$")
_lock = threading.Lock()


def model(name: str, options: StarterOptions | None) -> TranscriptionModel:  # noqa: ARG001  # nothing to set
    """``starter:commands``. Raises ``UnknownModel`` for any other name; the engine is looked for when it is first asked."""
    return Commands(card("transcription", name))


@dataclass(frozen=True)
class Commands:
    """English, WAV. The text is one of ``phrases``, as the request spells it, or empty where none was recognised."""

    card: ModelCard

    async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
        _check(request)
        return await runtime.in_thread(_transcribed, request)

    async def stream(self, request: TranscriptionRequest, runtime: Runtime) -> AsyncGenerator[TranscriptionEvent, None]:
        response = await self.call(request, runtime)
        if response.text:
            yield TranscriptDelta(response.text)
        for segment in response.segments:
            yield SegmentTranscribed(segment)
        yield Finished(response)


def _check(request: TranscriptionRequest) -> None:
    if request.translate:
        raise Unsupported("starter:commands does not translate.", feature="translate", model="starter:commands")
    if request.language is not None and request.language.lower().partition("-")[0] not in ("en", "english"):
        message = f"starter:commands knows English only, not {request.language!r}."
        raise Unsupported(message, feature="language", model="starter:commands")


def _transcribed(request: TranscriptionRequest) -> TranscriptionResponse:
    import numpy as np

    with _lock:
        decoder = _decoder()
        spelt = phrases(request.phrases, lambda word: decoder.lookup_word(word) is not None)
        sound = samples(request.audio)
        silence = np.zeros(_PAUSE, np.int16)
        words = _heard(decoder, grammar(list(spelt)), np.concatenate([silence, sound, silence]).tobytes())
    seconds = len(sound) / RATE
    text = spelt.get(" ".join(word.text for word in words), "")
    whole = _within(words, seconds) if text else []
    return TranscriptionResponse(
        model="commands",
        provider="starter",
        text=text,
        language="en",
        duration=seconds,
        segments=(Segment(whole[0].start, whole[-1].end, text),) if whole and "segment" in request.timestamps else (),
        words=tuple(whole) if "word" in request.timestamps else (),
        usage=Usage(audio_seconds=seconds or None, source="estimated"),
    )


@cache
def _decoder() -> Any:
    """The engine with its dictionary; a quarter of a second to load, 100 MB, kept for the life of the process."""
    try:
        from pocketsphinx import Decoder  # type: ignore[import-not-found, unused-ignore]  # an extra
    except ImportError:
        raise PluginMissing('starter:commands needs PocketSphinx: pip install "modelhub-starter[speech]".') from None
    return Decoder(loglevel="FATAL", lm=None)


def _heard(decoder: Any, rules: str, sound: bytes) -> list[Word]:
    """The words recognised. The engine adapts to what it hears, so it is set back: the same sound gives the same words."""
    decoder.add_jsgf_string("phrases", rules)
    decoder.activate_search("phrases")
    decoder.reinit_feat()
    decoder.start_utt()
    try:
        decoder.process_raw(sound, full_utt=True)
    finally:
        decoder.end_utt()
    return list(_words(decoder)) if decoder.hyp() is not None else []


def _words(decoder: Any) -> Iterator[Word]:
    for piece in decoder.seg() or ():
        text = _VARIANT.sub("", piece.word)
        if not text.startswith(("<", "[", "(")):
            yield Word(piece.start_frame / _FRAMES, (piece.end_frame + 1) / _FRAMES, text)


def _within(words: list[Word], seconds: float) -> list[Word]:
    """The words with the times of the sound as it came, without the silence put around it."""

    def moved(time: float) -> float:
        return round(min(max(time - _PAUSE / RATE, 0.0), seconds), 3)

    return [Word(moved(word.start), moved(word.end), word.text) for word in words]
