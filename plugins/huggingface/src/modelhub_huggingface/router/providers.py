"""The router's providers as rows of data: which tasks each can be asked for in its own form, and what it heeds in each.

Chat is no task of this table: the router speaks it for all of them. A provider without a row is one that this version has
not met; so is one whose row lacks the task. The forms are those of ``huggingface_hub`` 2.4, file by file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PROVIDERS", "Form", "honoured"]


@dataclass(frozen=True, slots=True)
class Form:
    """How one provider does one task.

    ``home`` is what makes the model: a module of this room and a name in it, that of the kind where it is left out.
    """

    home: str
    settings: tuple[str, ...] = ()
    """The optional settings that it heeds."""
    abilities: tuple[str, ...] = ()
    """What of a kind's capabilities it has."""


_KNOBS = ("max_output_tokens", "temperature", "top_p", "top_k")
_COMPLETE = (*_KNOBS, "stop_sequences", "seed", "presence_penalty", "frequency_penalty", "logprobs")
_COMPLETED = Form("completions:model", _COMPLETE)
_REWRITTEN = Form("hf_inference", _KNOBS)
_CHOSEN = Form("hf_inference", (), ("structured_output",))
_RANKED = Form("hf_inference", ("top_n",))
_PAINT = ("count", "size", "negative_prompt", "seed")
_EDITS = ("edit", "variation")
_HEARD = ("language", "prompt", "phrases", "temperature")

PROVIDERS: Mapping[str, Mapping[str, Form]] = {
    "hf-inference": {
        "text-generation": Form("hf_inference", (*_KNOBS, "stop_sequences", "seed")),
        "text2text-generation": _REWRITTEN,
        "summarization": _REWRITTEN,
        "translation": _REWRITTEN,
        "fill-mask": Form("hf_inference"),
        "text-classification": _CHOSEN,
        "zero-shot-classification": Form("hf_inference", ("top_n",), ("structured_output",)),
        "question-answering": Form("hf_inference", (), ("passages",)),
        "feature-extraction": Form("hf_inference"),
        "sentence-similarity": _RANKED,
        "text-ranking": _RANKED,
        "text-to-image": Form("hf_inference", _PAINT, ("generate",)),
        "image-to-image": Form("hf_inference", (*_PAINT, "strength"), ("edit",)),
        "text-to-speech": Form("hf_inference"),
        "automatic-speech-recognition": Form("hf_inference", ("temperature",), ("segment_timestamps",)),
    },
    "deepinfra": {
        "text-generation": _COMPLETED,
        "feature-extraction": Form("dialect:embedding", ("dimensions",)),
        "text-to-speech": Form("dialect:speech", ("voice", "output_format", "speed")),
        "automatic-speech-recognition": Form("dialect:transcription", _HEARD, ("segment_timestamps", "word_timestamps")),
    },
    "fal-ai": {
        "text-to-image": Form("brushes:fal", _PAINT, ("generate",)),
        "image-to-image": Form("brushes:fal_edit", _PAINT, _EDITS),
        "text-to-speech": Form("speaking:fal", ("voice",)),
        "automatic-speech-recognition": Form("hearing:fal", ("language", "prompt"), ("segment_timestamps", "translate")),
    },
    "featherless-ai": {"text-generation": _COMPLETED},
    "novita": {"text-generation": _COMPLETED},
    "nscale": {"text-to-image": Form("brushes:nscale", _PAINT, ("generate",))},
    "replicate": {
        "text-to-image": Form("brushes:replicate", _PAINT, ("generate",)),
        "image-to-image": Form("brushes:replicate_edit", _PAINT, _EDITS),
        "text-to-speech": Form("speaking:replicate", ("voice", "speed")),
        "automatic-speech-recognition": Form("hearing:replicate", ("language",), ("translate",)),
    },
    "scaleway": {"feature-extraction": Form("dialect:embedding", ("dimensions",))},
    "together": {
        "text-generation": _COMPLETED,
        "feature-extraction": Form("dialect:embedding", ("dimensions",)),
        "text-to-image": Form("brushes:together", _PAINT, ("generate",)),
        "image-to-image": Form("brushes:together_edit", _PAINT, _EDITS),
        "text-to-speech": Form("dialect:speech", ("voice", "output_format")),
    },
    "wavespeed": {
        "text-to-image": Form("brushes:wavespeed", _PAINT, ("generate",)),
        "image-to-image": Form("brushes:wavespeed_edit", _PAINT, _EDITS),
    },
    "zai-org": {"text-to-image": Form("brushes:zai", _PAINT, ("generate",))},
}
"""By the names that the hub has for them."""


def honoured(task: str, wanted: str) -> frozenset[str]:
    """The settings that whoever serves a task may heed: of the provider that is wanted, else of any that has the task."""
    rows = [PROVIDERS[wanted]] if wanted in PROVIDERS else list(PROVIDERS.values())
    return frozenset(name for row in rows if task in row for name in row[task].settings)
