"""VITS, the network of MMS's voices in a thousand languages: a text as a sound, at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from modelhub.plugin import InvalidRequest, SetupError, did_you_mean
from modelhub_huggingface.local.dice import chance
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.loading import network, tokenizer_of
from modelhub_huggingface.local.watching import Watch
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Asked", "Spoken", "Voice", "load", "spoken"]

_KNOBS = ("noise_scale", "noise_scale_duration", "speaking_rate")
"""How lively it speaks, how much the lengths of its letters vary, and how fast."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What is loaded."""

    network: Any
    tokenizer: Any
    watch: Watch
    device: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a voice. ``arguments`` are its knobs, and ``seed``: the same seed gives the same sound."""

    text: str
    speed: float = 1.0
    speaker: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The samples, between -1 and 1, and the letters of the text that the voice has no sound for."""

    samples: NDArray[np.float32]
    unheard: tuple[str, ...]


def load(folder: ModelFolder, options: HuggingFaceOptions) -> Voice:
    """The voice of a folder, ready to speak. Raises ``SetupError`` where it reads phonemes and nothing here makes them."""
    tokenizer = tokenizer_of(folder)
    if getattr(tokenizer, "phonemize", False) and find_spec("phonemizer") is None:
        raise SetupError(
            f"{folder.path} reads phonemes, which eSpeak NG makes of a text: pip install phonemizer, and install espeak-ng."
        )
    model, place = network("VitsModel", folder, options)
    watch = Watch()
    watch.put_on(model)
    return Voice(model, tokenizer, watch, place)


def spoken(voice: Voice, asked: Asked, wanted: Callable[[], bool]) -> Spoken:
    """The text as a sound. Raises ``InvalidRequest`` where there is nothing in it that the voice can say."""
    import torch

    letters, unheard = _letters(voice, asked.text)
    speaker = {} if asked.speaker is None else {"speaker_id": asked.speaker}
    with voice.watch.during(wanted), torch.inference_mode(), chance({"seed": 0, **asked.arguments}) as knobs:
        _set(voice.network, knobs, asked.speed)
        made = voice.network(**letters.to(voice.device), **speaker)
    return Spoken(made.waveform[0].float().cpu().numpy(), unheard)


def _set(model: Any, knobs: Mapping[str, Any], speed: float) -> None:
    """The knobs as they are asked for, or as the model's files have them."""
    for name, value in knobs.items():
        if name not in _KNOBS:
            raise InvalidRequest(f"A voice takes no argument {name!r}.{did_you_mean(name, (*_KNOBS, 'seed'))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise InvalidRequest(f"{name} is {value!r}; it must be a number, 0 or more.")
    for name in _KNOBS:
        setattr(model, name, float(knobs.get(name, getattr(model.config, name))))
    model.speaking_rate = max(model.speaking_rate * speed, 0.01)


def _letters(voice: Voice, text: str) -> tuple[Any, tuple[str, ...]]:
    """The text in the voice's letters, and those that it has not."""
    tokenizer = voice.tokenizer
    if getattr(tokenizer, "is_uroman", False) and not text.isascii() and find_spec("uroman") is None:
        raise SetupError("This voice reads Latin letters, which uroman makes of any others: pip install uroman.")
    read = tokenizer.prepare_for_tokenization(text)[0]
    if not read.strip():
        raise InvalidRequest(
            f"There is nothing in {text[:50]!r} that this voice has a sound for: it may be for another language."
        )
    changed = getattr(tokenizer, "is_uroman", False) or getattr(tokenizer, "phonemize", False)
    known = {letter for piece in tokenizer.get_vocab() for letter in piece}
    lost = () if changed else tuple(dict.fromkeys(letter for letter in text if _is_lost(letter, known)))
    return tokenizer(text, return_tensors="pt"), lost


def _is_lost(letter: str, known: set[str]) -> bool:
    """Marks and spaces are not spoken anyway."""
    return letter not in known and letter.lower() not in known and unicodedata.category(letter)[0] not in "PZC"
