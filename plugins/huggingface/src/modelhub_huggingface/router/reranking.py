"""Reranking models at the router: an order of documents by their likeness to a query, or of labels by how well they suit."""

from __future__ import annotations

from modelhub.plugin import RerankingModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.place import asked_task, known_task, place
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_TASKS = ("text-ranking", "sentence-similarity", "zero-shot-classification")


def model(name: str, options: HuggingFaceOptions) -> RerankingModel:
    """The model of that name. Without a ``task``, the one that the hub has it for."""
    where = place(name, options)
    task = asked_task("reranking", options, None)
    tasks = _TASKS if task is None else (task,)
    card = where.card("reranking", task=known_task("reranking", where), settings=frozenset({"top_n"}))
    return Routed(card, where, lambda _: tasks)
