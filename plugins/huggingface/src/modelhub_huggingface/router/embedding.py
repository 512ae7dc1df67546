"""Embedding models at the router: vectors from whoever serves them."""

from __future__ import annotations

from modelhub.plugin import EmbeddingModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.place import known_task, place
from modelhub_huggingface.router.providers import PROVIDERS, honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_TASK = "feature-extraction"


def model(name: str, options: HuggingFaceOptions) -> EmbeddingModel:
    """The model of that name. Shorter vectors can be asked for where a provider that has them is named."""
    where = place(name, options)
    task = known_task("embedding", where)
    settings = honoured(_TASK, where.wanted) if where.wanted in PROVIDERS else frozenset()
    return Routed(where.card("embedding", task=task, settings=settings), where, lambda _: (_TASK,))
