"""Whisper: stretches of a recording written down, with the times that the model tells, in any of its languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from modelhub.plugin import InvalidRequest, Segment, Word
from modelhub_huggingface.local.dice import chance
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.hearing import RATE
from modelhub_huggingface.local.loading import network, part, tokenizer_of
from modelhub_huggingface.local.timing import spoken_words
from modelhub_huggingface.local.watching import Watch
from modelhub_huggingface.options import HuggingFaceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OURS", "Asked", "Stretch", "Whisper", "code_of", "load", "written_down"]

OURS = ("input_features", "attention_mask", "language", "task", "prompt_ids", "return_timestamps", "return_segments")
"""What ``generate`` is told by a request's own words."""
_LEAST_STEP = 0.5
"""Seconds. A model that has understood less of its window than this is not asked for the rest of it again."""


@dataclass(frozen=True, slots=True)
class Whisper:
    """What is loaded."""

    network: Any
    extractor: Any
    tokenizer: Any
    watch: Watch
    device: Any

    @property
    def window(self) -> int:
        """Samples that it hears at a time: those of half a minute."""
        return int(self.extractor.n_samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a stretch."""

    language: str | None = None
    translate: bool = False
    prompt: str | None = None
    temperature: float | None = None
    timed: bool = False
    words: bool = False
    total: int = 0
    """Samples of the whole recording: of one that is longer than a window, times are always asked for."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was written down of one stretch. ``heard`` is how many of its samples that was."""

    segments: tuple[Segment, ...]
    words: tuple[Word, ...]
    heard: int
    tokens: int
    language: str | None
    left_out: int = 0
    """Tokens of the prompt that were too many."""


def load(folder: ModelFolder, options: HuggingFaceOptions) -> Whisper:
    """The model of a folder, ready to listen."""
    model, place = network("WhisperForConditionalGeneration", folder, options)
    extractor, tokenizer = part("AutoFeatureExtractor", folder), tokenizer_of(folder)
    watch = Watch()
    watch.put_on(model)
    return Whisper(model, extractor, tokenizer, watch, place)


def written_down(
    model: Whisper, samples: NDArray[np.float32], start: float, asked: Asked, wanted: Callable[[], bool]
) -> Stretch:
    """What is said in these samples, a window of them at most, that begin ``start`` seconds into the recording."""
    import torch

    sound = samples[: model.window]
    timed = _can_time(model) and (asked.timed or asked.total > model.window)
    with model.watch.during(wanted), torch.inference_mode(), chance(asked.arguments) as arguments:
        features = _features(model, sound)
        language = asked.language or _detected(model, features)
        prompt, left_out = _prompt(model, asked.prompt)
        told = model.network.generate(
            **features,
            **_choices(model, asked, language),
            **({} if prompt is None else {"prompt_ids": prompt}),
            return_timestamps=timed,
            return_segments=True,
            return_token_timestamps=asked.words or None,
            force_unique_generate_call=True,
            **arguments,
        )
    found = _Found(model, told["segments"][0], len(sound) / RATE, start, timed)
    return Stretch(
        segments=tuple(found.segments()),
        words=tuple(found.words(language)) if asked.words else (),
        heard=_heard(found) if timed else len(sound),
        tokens=sum(len(piece["tokens"]) for piece in found.told),
        language=language,
        left_out=left_out,
    )


def code_of(language: str) -> str | None:
    """The code of a language by its English name: ``japanese`` is ``ja``."""
    from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

    code: str | None = TO_LANGUAGE_CODE.get(language)
    return code


def _can_time(model: Whisper) -> bool:
    return getattr(model.network.generation_config, "no_timestamps_token_id", None) is not None


def _features(model: Whisper, sound: NDArray[np.float32]) -> dict[str, Any]:
    read = model.extractor(sound, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
    mask = read["attention_mask"]
    mask[:, :100] = 1  # the times of words are looked for in a second at least
    return {
        "input_features": read["input_features"].to(model.device, model.network.dtype),
        "attention_mask": mask.to(model.device),
    }


def _choices(model: Whisper, asked: Asked, language: str | None) -> dict[str, Any]:
    """What only a model of many languages can be told, and the temperature."""
    found: dict[str, Any] = {} if asked.temperature is None else {"temperature": asked.temperature}
    if getattr(model.network.generation_config, "is_multilingual", True) and language is not None:
        found |= {"language": language, "task": "translate" if asked.translate else "transcribe"}
    return found


def _detected(model: Whisper, features: Mapping[str, Any]) -> str | None:
    """The language that it hears; ``None`` where it knows one alone."""
    config = model.network.generation_config
    if not getattr(config, "lang_to_id", None) or not getattr(config, "is_multilingual", True):
        return None
    found = int(model.network.detect_language(features["input_features"])[0])
    names = {token: name for name, token in config.lang_to_id.items()}
    return str(names[found]).strip("<|>")


def _prompt(model: Whisper, text: str | None) -> tuple[Any, int]:
    """The tokens that go before, as many of the last as there is room for, and how many were too many."""
    import torch

    if text is None or not text.strip():
        return None, 0
    try:
        mark, *tokens = model.tokenizer.get_prompt_ids(text).tolist()
    except ValueError as error:
        raise InvalidRequest(f"The prompt cannot be taken: {error}") from None
    most = model.network.config.max_target_positions // 2 - 2
    return torch.tensor([mark, *tokens[-most:]], device=model.device), max(len(tokens) - most, 0)


class _Found(NamedTuple):
    """What ``generate`` tells of a window that is ``seconds`` long and begins ``start`` seconds into the recording."""

    model: Whisper
    told: Sequence[Mapping[str, Any]]
    seconds: float
    start: float
    timed: bool

    def segments(self) -> Iterator[Segment]:
        for piece in self.told:
            text = self.model.tokenizer.decode(piece["tokens"], skip_special_tokens=True)
            if text.strip():
                first, last = self._within(piece)
                yield Segment(self.start + first, self.start + last, text)

    def words(self, language: str | None) -> Iterator[Word]:
        for piece in self.told:
            tokens, times = piece["tokens"].tolist(), piece["token_timestamps"].tolist()
            yield from spoken_words(self.model.tokenizer, tokens, times, self._within(piece), self.start, language)

    def _within(self, piece: Mapping[str, Any]) -> tuple[float, float]:
        """When it was said; the window is filled up with silence, into which a model may count on."""
        if not self.timed:
            return 0.0, self.seconds
        first = min(float(piece["start"]), self.seconds)
        return first, min(max(float(piece["end"]), first), self.seconds)


def _heard(found: _Found) -> int:
    """How many samples of the window are done with.

    Where the window's end cut off the last sentence, the model says so by two times in a row, the end of the one before it:
    the next window begins there.
    """
    whole = round(found.seconds * RATE)
    if not found.told or len(found.told[-1]["tokens"]) < 2:
        return whole
    first_time = found.model.network.generation_config.no_timestamps_token_id + 1
    cut_off = all(int(token) >= first_time for token in found.told[-1]["tokens"][-2:])
    reached = int(float(found.told[-1]["end"]) * RATE)
    return min(reached, whole) if cut_off and reached >= _LEAST_STEP * RATE else whole
