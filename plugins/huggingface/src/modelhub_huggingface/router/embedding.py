"""Embedding models at the router: vectors from whoever serves them."""

from __future__ import annotations

from modelhub.plugin import EmbeddingModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.place import asked_task, place
from modelhub_huggingface.router.providers import honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_TASK = "feature-extraction"


def model(name: str, options: HuggingFaceOptions) -> EmbeddingModel:
    """The model of that name."""
    where = place(name, options)
    task = asked_task("embedding", options, _TASK)
    return Routed(where.card("embedding", task=task, settings=honoured(_TASK, where.wanted)), where, lambda _: (_TASK,))
