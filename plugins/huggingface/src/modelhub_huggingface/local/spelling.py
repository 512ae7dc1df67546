"""Recognisers that hear letters, in this process: a recording of any length, stretch after stretch, as one text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from modelhub.plugin import (
    Finished,
    InvalidRequest,
    ModelCard,
    Plan,
    Runtime,
    Segment,
    TranscriptionEvent,
    TranscriptionRequest,
    TranscriptionResponse,
)
from modelhub_huggingface.local import ctc
from modelhub_huggingface.local.cards import card
from modelhub_huggingface.local.devices import slow
from modelhub_huggingface.local.engine import TorchEngine, Wanted, held
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.given import given
from modelhub_huggingface.local.hearing import RATE, heard
from modelhub_huggingface.local.mishaps import told_apart
from modelhub_huggingface.local.plans import plan
from modelhub_huggingface.local.timing import sentences
from modelhub_huggingface.local.transcript import Transcript, whole
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Spelling"]


@dataclass(frozen=True)
class Spelling:
    """Stretches of 20 seconds, each heard with some of what is around it, so that nothing is lost where they meet."""

    card: ModelCard
    name: str
    options: HuggingFaceOptions
    plan: Plan[TorchEngine[ctc.Ctc]]

    @classmethod
    def of(cls, name: str, folder: ModelFolder, options: HuggingFaceOptions) -> Self:
        """The model in a folder."""
        room = int(folder.config.get("hidden_size") or 768) * (1 << 19)
        how = plan(name, folder, options, "spelling", lambda: TorchEngine(ctc.load(folder, options)), room)
        return cls(_card(name, folder, options), name, options, how)

    async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
        return await whole(self.stream(request, runtime))

    async def stream(self, request: TranscriptionRequest, runtime: Runtime) -> AsyncGenerator[TranscriptionEvent, None]:
        if arguments := given(request, self.options):
            raise InvalidRequest(f"{self.card.model} takes no arguments, and {min(arguments)!r} was given.")
        sound = await runtime.in_thread(heard, request.audio, request.timeouts.total)
        seconds = len(sound) / RATE
        transcript = Transcript(self.options.provider, self.name, request, seconds)
        letters: list[int] = []
        async with held(self.plan, request, runtime) as turns:
            for first, last, skipped in ctc.stretches(len(sound)):
                letters += await turns.take(_run(sound[first:last], skipped, self.card.model))
            (text, words), told = await turns.take(lambda model, _: (ctc.spelt(model, letters, seconds), slow(model.network)))
        transcript.notices += told
        lines = list(sentences(words)) or ([Segment(0.0, seconds, text)] if text.strip() else [])
        for event in transcript.add(lines, words):
            yield event
        yield Finished(transcript.response())


def _run(sound: NDArray[np.float32], skipped: int, name: str) -> Callable[[ctc.Ctc, Wanted], list[int]]:
    def run(model: ctc.Ctc, wanted: Wanted) -> list[int]:
        with told_apart(name, "Take a smaller model."):
            return ctc.moments(model, sound, skipped, wanted)

    return run


def _card(name: str, folder: ModelFolder, options: HuggingFaceOptions) -> ModelCard:
    timed = folder.has("vocab.json")  # what spells with it knows the mark between two words
    return card(
        name,
        "transcription",
        folder,
        options,
        capabilities={"segment_timestamps": timed, "word_timestamps": timed, "translate": False},
        settings=frozenset(),
        family="encoder",
        inputs=("audio",),
        outputs=("text",),
    )
