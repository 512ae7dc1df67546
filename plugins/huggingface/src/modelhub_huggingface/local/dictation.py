"""Whisper in this process: window after window of a recording, each segment told as soon as it is understood."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from modelhub.plugin import (
    Finished,
    ModelCard,
    ModelhubError,
    Notice,
    Plan,
    Runtime,
    TranscriptionEvent,
    TranscriptionRequest,
    TranscriptionResponse,
    Unsupported,
)
from modelhub_huggingface.local import whisper
from modelhub_huggingface.local.cards import card
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.engine import TorchEngine, Wanted, held
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import given
from modelhub_huggingface.local.hearing import RATE, heard
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.local.transcript import Transcript, whole
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Dictation"]

_LEAST_LEFT = RATE // 10
"""Samples at the end of a recording that are too few to be listened to."""


@dataclass(frozen=True)
class Dictation:
    """Any length of recording, in windows of half a minute: between two, others have their turn.

    Where the recording is longer than a window, or times are asked for, the model tells when a sentence ends, and the next
    window begins there. Without a ``language``, the one that is heard in the first window is kept.
    """

    card: ModelCard
    name: str
    options: HuggingFaceOptions
    plan: Plan[TorchEngine[whisper.Whisper]]

    @classmethod
    def of(cls, name: str, folder: ModelFolder, options: HuggingFaceOptions) -> Self:
        """The model in a folder."""
        heads, places = folder.config.get("encoder_attention_heads"), folder.config.get("max_source_positions")
        room = 4 * int(heads or 8) * int(places or 1500) ** 2
        how = plan(name, folder, options, "dictation", lambda: TorchEngine(whisper.load(folder, options)), room)
        return cls(_card(name, folder, options), name, options, how)

    async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
        return await whole(self.stream(request, runtime))

    async def stream(self, request: TranscriptionRequest, runtime: Runtime) -> AsyncGenerator[TranscriptionEvent, None]:
        arguments, language = given(request, self.options, whisper.OURS), await self._language(request, runtime)
        sound = await runtime.in_thread(heard, request.audio, request.timeouts.total)
        transcript = Transcript(self.options.provider, self.name, request, len(sound) / RATE, language)
        start, prompt = 0, request.prompt
        async with held(self.plan, request, runtime) as turns:
            while start == 0 or len(sound) - start > _LEAST_LEFT:
                asked = whisper.Asked(
                    language=transcript.language,
                    translate=request.translate,
                    prompt=prompt,
                    temperature=request.temperature,
                    timed=bool(request.timestamps),
                    words="word" in request.timestamps,
                    total=len(sound),
                    arguments=arguments,
                )
                try:
                    stretch, told = await turns.take(_run(sound[start:], start / RATE, asked, self.card.model))
                except ModelhubError as error:
                    error.partial = transcript.so_far()
                    raise
                start, prompt, transcript.language = start + stretch.heard, None, stretch.language
                _note(transcript, stretch, told)
                for event in transcript.add(stretch.segments, stretch.words):
                    yield event
        yield Finished(transcript.response())

    async def _language(self, request: TranscriptionRequest, runtime: Runtime) -> str | None:
        """The language as the model's files have it. Raises ``Unsupported`` for one that it does not know."""
        if request.language is None:
            return None
        known = self.card.languages or ("en",)
        word = request.language.strip().lower()
        tag = word.replace("_", "-").partition("-")[0]
        if tag in known:
            return tag
        if len(tag) > 3 and (code := await runtime.in_thread(whisper.code_of, word)) in known:
            return code
        message = f"{self.card.model} does not know the language {request.language!r}. It knows {', '.join(known)}."
        raise Unsupported(message, feature="language", model=self.card.model)


def _run(
    sound: NDArray[np.float32], start: float, asked: whisper.Asked, name: str
) -> Callable[[whisper.Whisper, Wanted], tuple[whisper.Stretch, tuple[Notice, ...]]]:
    def run(model: whisper.Whisper, wanted: Wanted) -> tuple[whisper.Stretch, tuple[Notice, ...]]:
        with told_apart(name, 'Set dtype = "bfloat16", or take a smaller model.'):
            return whisper.written_down(model, sound, start, asked, wanted), slow(model.network)

    return run


def _note(transcript: Transcript, stretch: whisper.Stretch, told: tuple[Notice, ...]) -> None:
    transcript.notices += [notice for notice in told if notice not in transcript.notices]
    transcript.tokens = (transcript.tokens or 0) + stretch.tokens
    if stretch.left_out:
        message = f"The prompt was longer than the model can keep: its first {stretch.left_out} tokens were left out."
        transcript.notices.append(Notice("prompt", message))


def _card(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> ModelCard:
    """What its settings for generation tell: an English model knows neither languages nor how to translate."""
    told = folder.json("generation_config.json")
    languages = tuple(str(mark).strip("<|>") for mark in told.get("lang_to_id") or ())
    many = bool(languages) and told.get("is_multilingual", True) is not False
    timed = "no_timestamps_token_id" in told
    return card(
        name,
        "transcription",
        folder,
        options,
        capabilities={
            "segment_timestamps": timed,
            "word_timestamps": timed and bool(told.get("alignment_heads")),
            "translate": many and "translate" in (told.get("task_to_id") or {}),
        },
        settings=frozenset({"language", "prompt", "temperature"}),
        languages=languages if many else ("en",),
        family="encoder-decoder",
        inputs=("audio",),
        outputs=("text",),
    )
