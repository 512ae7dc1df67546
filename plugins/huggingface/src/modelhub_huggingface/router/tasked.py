"""Text models that are asked for a task of their own, at whichever provider serves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelhub.plugin import TextEvent, TextRequest, TextResponse
from modelhub_huggingface.pipelines.text import TASKS, text_card, text_task
from modelhub_huggingface.router.place import Place
from modelhub_huggingface.router.providers import honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["Routing", "for_any_task", "for_task"]

Routing = Routed[TextRequest, TextResponse[Any], TextEvent]


def for_task(where: Place, task: str) -> Routing:
    """The model for one task."""
    fields = text_card(task, text_task(task, specified=True))
    if task == "text-generation":
        fields["settings"] = honoured(task, where.wanted)
    return Routed(replace(where.card("text"), **fields), where, lambda _: (task,))


def for_any_task(where: Place) -> Routing:
    """The model for whichever task it is for: what it is then asked is held against that task alone."""
    return Routed(where.card("text"), where, lambda _: TASKS)
