"""Text models at the router: chat where the model can, and the classic tasks at whoever serves them."""

from __future__ import annotations

from dataclasses import replace

from modelhub.plugin import HttpModel, TextModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.text import TASKS, text_card, text_task
from modelhub_huggingface.router.chat import ChatSite, RouterChat
from modelhub_huggingface.router.conversing import Conversing, Routing
from modelhub_huggingface.router.place import Place, asked_task, place
from modelhub_huggingface.router.providers import honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_CHAT = ("text-generation", "image-text-to-text", "any-to-any", "audio-text-to-text")
"""Tasks that are asked as a conversation, unless a plain prompt is wanted."""


def model(name: str, options: HuggingFaceOptions) -> TextModel:
    """The model of that name.

    Without a ``task`` it is asked as a chat model; where it is none, the hub is asked once what it is for.
    """
    where = place(name, options)
    task = asked_task("text", options, None)
    if options.prompt == "plain" and task in (None, "text-generation"):
        return _routed(where, "text-generation")
    if task is not None and task not in _CHAT:
        return _routed(where, task)
    chat = RouterChat(ChatSite(where.router, where.model, where.wanted), where.name, task=task)
    surely = task is not None or options.prompt == "chat"
    return Conversing(HttpModel(chat), options.cold_start, None if surely else _any_task(where))


def _routed(where: Place, task: str) -> Routing:
    """The model for one task."""
    fields = text_card(task, text_task(task, specified=True))
    if task == "text-generation":
        fields["settings"] = honoured(task, where.wanted)
    return Routed(replace(where.card("text"), **fields), where, lambda _: (task,))


def _any_task(where: Place) -> Routing:
    """The model for whichever task it is for: what it is then asked is held against that task alone."""
    return Routed(where.card("text"), where, lambda _: TASKS)
