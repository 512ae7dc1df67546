"""Voices in this process: VITS, as MMS has one for each of a thousand languages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Self

from modelhub.plugin import (
    AudioDelta,
    Finished,
    InvalidRequest,
    ModelCard,
    Notice,
    Plan,
    Runtime,
    SpeechEvent,
    SpeechModel,
    SpeechRequest,
    SpeechResponse,
    Unsupported,
    Usage,
)
from modelhub_huggingface.local import voices
from modelhub_huggingface.local.architecture import architecture
from modelhub_huggingface.local.cards import card
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.engine import TorchEngine, Wanted, computed
from modelhub_huggingface.local.files import ModelFolder, find
from modelhub_huggingface.local.given import given
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.local.sounding import FORMATS, check, sounding
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Speaking", "model"]

_AT_ONCE = 400
"""Letters: a longer text is spoken in pieces, the first of which can be heard while the next are made."""
_PIECE = 16_384


def model(name: str, options: HuggingFaceOptions) -> SpeechModel:
    """The voice of that name on this machine. Raises ``Unsupported`` for a network of another kind, ``UnknownModel``."""
    folder = find(name, options)
    if architecture(folder) != "VitsModel":
        what = f"{options.provider}:{name} is a {architecture(folder)}"
        message = f"{what}. In this process, texts are spoken by VITS (VitsModel) alone."
        raise Unsupported(message, feature="speech", model=f"{options.provider}:{name}")
    return Speaking.of(name, folder, options)


@dataclass(frozen=True)
class Speaking:
    """One voice, or several that are told apart by their numbers (``voice="3"``). The same text always sounds the same.

    A stream's pieces are cut from the finished sound of one piece of text.
    """

    card: ModelCard
    name: str
    options: HuggingFaceOptions
    plan: Plan[TorchEngine[voices.Voice]]
    speakers: int
    rate: int

    @classmethod
    def of(cls, name: str, folder: ModelFolder, options: HuggingFaceOptions) -> Self:
        """The voice in a folder."""
        speakers, rate = int(folder.config.get("num_speakers") or 1), int(folder.config.get("sampling_rate") or 16_000)
        how = plan(name, folder, options, "speech", lambda: TorchEngine(voices.load(folder, options)), _ROOM)
        return cls(_card(name, folder, options, speakers), name, options, how, speakers, rate)

    async def call(self, request: SpeechRequest, runtime: Runtime) -> SpeechResponse:
        form = request.output_format or "wav"
        check(form)
        asked = self._asked(request)

        def run(voice: voices.Voice, wanted: Wanted) -> tuple[voices.Spoken, tuple[Notice, ...]]:
            with told_apart(self.card.model, "Speak a shorter text."):
                return voices.spoken(voice, asked, wanted), slow(voice.network)

        spoken, notices = await computed(self.plan, run, request, runtime)
        audio = await runtime.in_thread(sounding, spoken.samples, self.rate, form)
        seconds = len(spoken.samples) / self.rate
        return SpeechResponse(
            model=self.name,
            provider=self.options.provider,
            audio=audio,
            media_type=FORMATS[form],
            sample_rate=self.rate,
            duration=seconds,
            usage=Usage(characters=len(request.text), audio_seconds=seconds or None),
            notices=(*_notices(spoken), *notices),
        )

    async def stream(self, request: SpeechRequest, runtime: Runtime) -> AsyncGenerator[SpeechEvent, None]:
        response = await self.call(request, runtime)
        for start in range(0, len(response.audio), _PIECE):
            yield AudioDelta(response.audio[start : start + _PIECE])
        yield Finished(response)

    def _asked(self, request: SpeechRequest) -> voices.Asked:
        if not request.text.strip():
            raise InvalidRequest("There is no text to speak.")
        speed = 1.0 if request.speed is None else request.speed
        arguments = given(request, self.options, ("text", "input_ids", "attention_mask", "speaker_id"))
        return voices.Asked(text=request.text, speed=speed, speaker=self._speaker(request.voice), arguments=arguments)

    def _speaker(self, voice: str | None) -> int | None:
        """The number of a voice, where there are several. Raises ``InvalidRequest`` for none of them."""
        if self.speakers == 1:
            return None
        if voice is None or (voice.isdecimal() and int(voice) < self.speakers):
            return int(voice or 0)
        raise InvalidRequest(f"voice is {voice!r}; {self.card.model} has those from '0' to '{self.speakers - 1}'.")


_ROOM = 256 << 20
"""Bytes for what is between two layers when so many letters are spoken."""


def _notices(spoken: voices.Spoken) -> tuple[Notice, ...]:
    if not spoken.unheard:
        return ()
    some = ", ".join(spoken.unheard[:20])
    return (Notice("text", f"The voice has no sound for {some}: they were left out."),)


def _card(name: str, folder: ModelFolder, options: HuggingFaceOptions, speakers: int) -> ModelCard:
    language = folder.json("tokenizer_config.json").get("language")
    return card(
        name,
        "speech",
        folder,
        options,
        settings=frozenset({"output_format", "speed", *(["voice"] if speakers > 1 else [])}),
        limits={"characters": _AT_ONCE},
        languages=(language,) if isinstance(language, str) else (),
        inputs=("text",),
        outputs=("audio",),
    )
