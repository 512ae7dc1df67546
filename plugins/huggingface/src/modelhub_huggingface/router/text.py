"""Text models at the router: chat where the model can, and the classic tasks at whoever serves them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from modelhub.plugin import HttpModel, TextModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.chat import ChatSite, RouterChat
from modelhub_huggingface.router.conversing import Conversing
from modelhub_huggingface.router.place import Place, asked_task, known_task, place

if TYPE_CHECKING:
    from modelhub_huggingface.router.tasked import Routing

__all__ = ["model"]

_CHAT = ("text-generation", "image-text-to-text", "any-to-any", "audio-text-to-text")
"""Tasks that are asked as a conversation, unless a plain prompt is wanted."""


def model(name: str, options: HuggingFaceOptions) -> TextModel:
    """The model of that name.

    Without a ``task`` it is asked as a chat model, since that is what most are; where the router says that it is none, the hub
    is asked once what it is for.
    """
    where = place(name, options)
    task = asked_task("text", options, None)
    plain = options.prompt == "plain" and task in (None, "text-generation")
    if plain or (task is not None and task not in _CHAT):
        from modelhub_huggingface.router.tasked import for_task

        return for_task(where, task or "text-generation")
    chat = RouterChat(ChatSite(where.router, where.model, where.wanted), where.name, task=known_task("text", where))
    surely = task is not None or options.prompt == "chat"
    return Conversing(HttpModel(chat), options.cold_start, None if surely else partial(_for_any_task, where))


def _for_any_task(where: Place) -> Routing:
    """The way to whichever task a model is for; most that are asked to chat need none of what stands on it."""
    from modelhub_huggingface.router.tasked import for_any_task

    return for_any_task(where)
