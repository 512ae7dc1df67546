"""Text models at the router: chat where the model can, and the classic tasks at whoever serves them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.plugin import (
    HttpModel,
    ModelCard,
    ModelhubError,
    Runtime,
    TextEvent,
    TextModel,
    TextRequest,
    TextResponse,
    UnknownModel,
)
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.text import TASKS, text_card, text_task
from modelhub_huggingface.router.chat import ChatSite, RouterChat
from modelhub_huggingface.router.faults import NOT_SERVED
from modelhub_huggingface.router.place import Place, asked_task, place
from modelhub_huggingface.router.providers import honoured
from modelhub_huggingface.router.routed import Routed, hurried
from modelhub_huggingface.waiting import Waiting

__all__ = ["ByTask", "model"]

_CHAT = ("text-generation", "image-text-to-text", "any-to-any", "audio-text-to-text")
"""Tasks that are asked as a conversation, unless a plain prompt is wanted."""
Routing = Routed[TextRequest, TextResponse[Any], TextEvent]


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
    waited = Waiting(HttpModel(chat), options.cold_start)
    return waited if task is not None or options.prompt == "chat" else ByTask(waited, _any_task(where))


def _routed(where: Place, task: str) -> Routing:
    """The model for one task."""
    fields = text_card(task, text_task(task, specified=True))
    if task == "text-generation":
        fields["settings"] = honoured(task, where.wanted)
    return Routed(replace(where.card("text"), **fields), where, lambda _: (task,))


def _any_task(where: Place) -> Routing:
    """The model for whichever task it is for: what it is then asked is held against that task alone."""
    return Routed(where.card("text"), where, lambda _: TASKS)


@dataclass(frozen=True, eq=False)
class ByTask:
    """A chat model, as long as the router does not say that it is none; then one for the task that the hub knows it for."""

    chat: TextModel
    routed: Routing
    _no_chat: list[bool] = field(default_factory=list, init=False, repr=False)

    @property
    def card(self) -> ModelCard:
        return self.chat.card

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        if not self._no_chat:
            started = runtime.now()
            try:
                return await self.chat.call(request, runtime)
            except UnknownModel as error:
                request = await self._turned(request, runtime, started, error)
        return await self.routed.call(request, runtime)

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[TextEvent, None]:
        if not self._no_chat:
            started = runtime.now()
            try:
                async with aclosing(self.chat.stream(request, runtime)) as events:
                    async for event in events:
                        yield event
                return
            except UnknownModel as error:
                request = await self._turned(request, runtime, started, error)
        async with aclosing(self.routed.stream(request, runtime)) as events:
            async for event in events:
                yield event

    async def _turned(self, request: TextRequest, runtime: Runtime, started: float, error: UnknownModel) -> TextRequest:
        """Take it for a model of its own task from now on; the request with the time that is left. Raises where it has none."""
        if error.code != NOT_SERVED:
            raise error
        try:
            mapped = await self.routed.finding.mapped(request.timeouts, runtime)
        except UnknownModel:
            raise
        except ModelhubError:
            raise error from None  # what the router said is all that is known
        if not any(offer.task in self.routed.tasks(request) for offer in mapped.offers):
            raise error
        self._no_chat.append(True)
        return hurried(request, runtime.now() - started)
