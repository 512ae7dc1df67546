"""Recognisers that hear letters (wav2vec 2.0, HuBERT, MMS): a recording of any length as moments, and moments as words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelhub.plugin import SetupError, Word
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.hearing import RATE
from modelhub_huggingface.local.loading import network, part, tokenizer_of
from modelhub_huggingface.local.watching import Watch
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Ctc", "load", "moments", "spelt", "stretches"]

_CORE, _AROUND = 20 * RATE, 3 * RATE
"""Samples that are written down at a time, and those on each side that are heard with them, so that no word is cut."""
_SHORTEST = RATE // 10


@dataclass(frozen=True, slots=True)
class Ctc:
    """What is loaded."""

    network: Any
    extractor: Any
    tokenizer: Any
    watch: Watch
    device: Any

    @property
    def step(self) -> int:
        """Samples of one moment."""
        return int(getattr(self.network.config, "inputs_to_logits_ratio", 320))


def load(folder: ModelFolder, options: HuggingFaceOptions) -> Ctc:
    """The model of a folder, ready to listen. Raises ``SetupError`` where it hears another rate than it is given."""
    model, place = network("AutoModelForCTC", folder, options)
    extractor, tokenizer = part("AutoFeatureExtractor", folder), tokenizer_of(folder)
    if extractor.sampling_rate != RATE:
        raise SetupError(f"{folder.path} hears {extractor.sampling_rate} samples a second; only {RATE} are given here.")
    watch = Watch()
    watch.put_on(model)
    return Ctc(model, extractor, tokenizer, watch, place)


def stretches(length: int) -> Iterator[tuple[int, int, int]]:
    """Where each stretch that is heard begins and ends, and where in it begins what is written down."""
    for start in range(0, length, _CORE):
        first = max(start - _AROUND, 0)
        yield first, min(start + _CORE + _AROUND, length), start - first


def moments(model: Ctc, samples: NDArray[np.float32], skipped: int, wanted: Callable[[], bool]) -> list[int]:
    """The letter heard at each moment of a stretch, without those of the samples that were ``skipped`` and of what follows."""
    import numpy as np
    import torch

    heard = np.pad(samples, (0, max(_SHORTEST - len(samples), 0)))
    with model.watch.during(wanted), torch.inference_mode():
        read = model.extractor(heard, sampling_rate=RATE, return_tensors="pt")
        given = {
            name: value.to(model.device, model.network.dtype) if value.is_floating_point() else value.to(model.device)
            for name, value in read.items()
        }
        letters: list[int] = model.network(**given).logits[0].argmax(-1).tolist()
    first, whole = skipped // model.step, len(samples) <= skipped + _CORE
    return letters[first:] if whole else letters[first : first + _CORE // model.step]


def spelt(model: Ctc, letters: Sequence[int], seconds: float) -> tuple[str, tuple[Word, ...]]:
    """The text that these moments spell, and its words with their times."""
    tokenizer = model.tokenizer
    if not hasattr(tokenizer, "word_delimiter_token"):
        return tokenizer.decode(list(letters), skip_special_tokens=True), ()
    told = tokenizer.decode(list(letters), output_word_offsets=True)
    moment = model.step / RATE

    def time(place: Any) -> float:
        return min(round(float(place) * moment, 3), seconds)

    words = (Word(time(word["start_offset"]), time(word["end_offset"]), word["word"]) for word in told.word_offsets)
    return told.text, tuple(word for word in words if word.text.strip())
