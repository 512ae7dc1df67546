"""The settings of a call as Ollama calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from modelhub.plugin import TextSettings

__all__ = ["SETTINGS", "Thinking", "logprobs", "options", "think"]

Thinking = Literal["levels", "switch", "none"]
"""What a model takes for ``think``: a level, yes or no, nothing."""

SETTINGS = frozenset(field.name for field in fields(TextSettings)) - {"parallel_tool_calls"}
"""What can be told to Ollama; of the others the caller gets a notice."""
_OFF = ("none", "off", "false")
_ON = ("on", "true")
_LEVELS = {"minimal": "low", "xhigh": "max"}


def options(knobs: TextSettings) -> dict[str, Any]:
    """The ``options`` of a body; what is not set stays the model's own."""
    named = {
        "num_predict": knobs.max_output_tokens,
        "temperature": knobs.temperature,
        "top_p": knobs.top_p,
        "top_k": knobs.top_k,
        "stop": list(knobs.stop_sequences) if knobs.stop_sequences else None,
        "seed": knobs.seed,
        "presence_penalty": knobs.presence_penalty,
        "frequency_penalty": knobs.frequency_penalty,
    }
    return {name: value for name, value in named.items() if value is not None}


def logprobs(knobs: TextSettings) -> Mapping[str, Any]:
    """The two fields that ask for the log-probability of each token."""
    return {} if knobs.logprobs is None else {"logprobs": True, "top_logprobs": knobs.logprobs}


def think(effort: str | None, taken: Thinking) -> bool | str | None:
    """``think``: left out where nothing was asked, or nothing is taken; off, on, or a level in the model's own words."""
    if effort is None or taken == "none":
        return None
    word = effort.lower()
    if word in _OFF:
        return False
    return True if taken == "switch" or word in _ON else _LEVELS.get(word, word)
