"""How an answer's tokens are chosen: what the request says, over what the options say, over what comes with the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import InvalidRequest, TextSettings
from modelhub_huggingface.local.dice import within

__all__ = ["Choices", "choices"]

_SAMPLING = ("do_sample", "temperature", "top_k", "top_p", "min_p")
_LIMITS = ("max_new_tokens", "max_length")
SHAPING = (
    *("repetition_penalty", "no_repeat_ngram_size", "min_new_tokens", "min_length", "forced_bos_token_id"),
    *("suppress_tokens", "begin_suppress_tokens", "bad_words_ids"),
)
"""What the library's own processors do to the scores of the next token."""
_OF_BEAMS = ("length_penalty", "early_stopping", "num_beam_groups", "diversity_penalty")
"""Without effect where there is one beam."""
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "num_beams": (1,),
    "num_return_sequences": (1,),
    "use_cache": (True,),
    "repetition_penalty": (1.0,),
    "no_repeat_ngram_size": (0,),
    "min_length": (0,),
    "top_k": (0,),
    "top_p": (1.0,),
}
"""Values that change nothing."""
_UNREAD = (
    *("transformers_version", "_from_model_config", "cache_implementation"),
    *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"),
    *("output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate", "prefix"),
)
"""What a model's own settings hold beside, read elsewhere or not at all."""
_COLD = 1e-6
"""A temperature below which no number could tell its probabilities from those of 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """``temperature`` 0 takes the likeliest token. ``limit`` is the most tokens; ``None``: as many as there is room for."""

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    presence: float = 0.0
    frequency: float = 0.0
    seed: int | None = None
    logprobs: int | None = None
    shaping: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    longest: int | None = None
    """The most tokens of prompt and answer together, where that is how the limit is set."""
    library: Mapping[str, Any] | None = None
    """All that is set, where some of it is for the library's own way of writing alone: several beams, say."""

    @property
    def likeliest(self) -> bool:
        """Whether the token is simply the one with the highest score."""
        plain = self.temperature == 0 and not self.shaping
        return plain and self.presence == 0 and self.frequency == 0 and self.logprobs is None


def choices(knobs: TextSettings, given: Mapping[str, Any], own: Mapping[str, Any]) -> Choices:
    """``given`` is what the options and the request's ``extra`` hold, ``own`` what comes with the model."""
    asked = {name: value for name, value in {**own, **given}.items() if value is not None and name not in _UNREAD}
    asked = {name: value for name, value in asked.items() if value not in _NEUTRAL.get(name, ())}
    if "num_beams" not in asked:
        asked = {name: value for name, value in asked.items() if name not in _OF_BEAMS}
    known = {*_SAMPLING, *_LIMITS, *SHAPING}
    limit, longest = _limits(knobs, given, own)
    return Choices(
        temperature=_temperature(knobs, asked),
        top_k=_whole("top_k", _said(knobs.top_k, asked.get("top_k"))),
        top_p=_share("top_p", _said(knobs.top_p, asked.get("top_p"))),
        min_p=_share("min_p", asked.get("min_p")),
        presence=knobs.presence_penalty or 0.0,
        frequency=knobs.frequency_penalty or 0.0,
        seed=None if knobs.seed is None else within(knobs.seed),
        logprobs=knobs.logprobs,
        shaping={name: asked[name] for name in SHAPING if name in asked},
        limit=limit,
        longest=longest,
        library=None if asked.keys() <= known else {name: value for name, value in asked.items() if name not in _LIMITS},
    )


def _temperature(knobs: TextSettings, asked: Mapping[str, Any]) -> float:
    """0 where nothing asks for chance, or where hardly any is left."""
    drawing = asked.get("do_sample", False)
    if not isinstance(drawing, bool):
        raise InvalidRequest(f"do_sample is {drawing!r}; it must be true or false.")
    found = 0.0
    if knobs.temperature is not None:
        found = knobs.temperature
    elif knobs.top_p is not None or knobs.top_k is not None or drawing:
        found = _number("temperature", asked.get("temperature", 1.0))
    return 0.0 if found < _COLD or _said(knobs.top_p, asked.get("top_p")) == 0 else found


def _limits(knobs: TextSettings, given: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The tokens of the answer, or of prompt and answer together, at most: whatever is said nearest to the request."""
    if knobs.max_output_tokens is not None:
        return knobs.max_output_tokens, None
    for said in (given, own):
        if said.get("max_new_tokens") is not None:
            return _whole("max_new_tokens", said["max_new_tokens"]), None
        if said.get("max_length") is not None:
            return None, _whole("max_length", said["max_length"])
    return None, None


def _said(nearest: Any, other: Any) -> Any:
    return other if nearest is None else nearest


def _whole(name: str, value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise InvalidRequest(f"{name} is {value!r}; it must be a whole number, 1 or more.")
    return value


def _share(name: str, value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InvalidRequest(f"{name} is {value!r}; it must be a number from 0 to 1.")
    return value


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise InvalidRequest(f"{name} is {value!r}; it must be a number, 0 or more.")
    return value
