"""Transcription models at the router: heard by whoever serves them."""

from __future__ import annotations

from modelhub.plugin import TranscriptionModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.abilities import capabilities
from modelhub_huggingface.router.place import known_task, place
from modelhub_huggingface.router.providers import PROVIDERS, honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_TASK = "automatic-speech-recognition"


def model(name: str, options: HuggingFaceOptions) -> TranscriptionModel:
    """The model of that name. What it can do beside writing down is told beforehand where its provider is named."""
    where = place(name, options)
    task = known_task("transcription", where)
    form = PROVIDERS.get(where.wanted, {}).get(_TASK)
    known = {} if form is None else capabilities("transcription", form.abilities)
    card = where.card("transcription", task=task, settings=honoured(_TASK, where.wanted), capabilities=known)
    return Routed(card, where, lambda _: (_TASK,))
