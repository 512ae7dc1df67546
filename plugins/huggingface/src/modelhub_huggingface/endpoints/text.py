"""Text on an endpoint: by chat, by plain completion, or as one of the classic tasks."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import ConfigError, HttpModel, ModelCard, TextModel, Unsupported
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.endpoints.cards import card
from modelhub_huggingface.endpoints.chat import EndpointChat, chat_card
from modelhub_huggingface.endpoints.server import Kept, Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.text import FAMILIES, TASKS, PipelineText, text_card, text_task
from modelhub_huggingface.tasks import task_named
from modelhub_huggingface.waiting import Waiting
from modelhub_huggingface.whole import Whole

__all__ = ["model"]

_WRITTEN = ("text-generation", "text2text-generation", "summarization", "translation")
"""What a server that generates text does for a text that is given to it as it is."""


def model(name: str, options: HuggingFaceOptions) -> TextModel:
    """The model of that name on the endpoint that the options describe.

    Where ``task`` is a classic one, the server is ``plain`` unless the options say another.
    """
    task = _task(options)
    usual: Kept = "openai" if task in (None, "text-generation", "image-text-to-text") else "plain"
    site = server(options, usual)
    return Waiting(_served(site, name, task, options), options.cold_start)


def _served(site: Server, name: str, task: str | None, options: HuggingFaceOptions) -> Any:
    match site.kind:
        case "plain":
            return _pipeline(site, name, task or "text-generation", options)
        case "tei":
            return _classifier(site, name, task or "text-classification", options)
        case "tgi" if options.prompt == "plain" or task in _WRITTEN[1:]:
            from modelhub_huggingface.endpoints.generate import Generate

            return HttpModel(Generate(site, name, _writer(site, name, task, options), options.arguments))
        case "openai" if options.prompt == "plain":
            from modelhub_huggingface.endpoints.completions import Completions

            return HttpModel(Completions(site, name, _writer(site, name, task, options)))
        case _ if task in (None, "text-generation", "image-text-to-text"):
            window = options.context_window
            shown = chat_card(site, name, context_window=window, **({} if task is None else {"task": task}))
            return Carded(HttpModel(EndpointChat(site, name)), shown)
        case _:
            raise _unserved(site, task or "")


def _writer(site: Server, name: str, task: str | None, options: HuggingFaceOptions) -> ModelCard:
    """The card of a model that goes on where a text ends."""
    named = task or "text-generation"
    window = options.context_window
    return card(site, name, "text", task=named, family=FAMILIES.get(named), context_window=window)


def _pipeline(site: Server, name: str, task: str, options: HuggingFaceOptions) -> Any:
    form = text_task(task, specified=False)
    about = card(site, name, "text", **text_card(task, form))
    return Whole(HttpModel(PipelineText(site, name, form, about, options.arguments)))


def _classifier(site: Server, name: str, task: str, options: HuggingFaceOptions) -> Any:
    """TEI's ``predict``; ``inputs`` are all that it takes besides what the options say."""
    if task != "text-classification":
        raise _unserved(site, task)
    from modelhub_huggingface.endpoints.predict import Prediction

    form = Prediction()
    about = card(site, name, "text", **text_card(task, form))
    return Whole(HttpModel(PipelineText(site.at("predict"), name, form, about, options.arguments)))


def _task(options: HuggingFaceOptions) -> str | None:
    """The task that the options name. Raises ``ConfigError`` where it is none for text."""
    task = task_named(options.task)
    if options.task is not None and task not in (*TASKS, "image-text-to-text"):
        listed = ", ".join(TASKS)
        raise ConfigError(f"[providers.{options.provider}] task is {options.task!r}; text on an endpoint is one of {listed}.")
    return task


def _unserved(site: Server, task: str) -> Unsupported:
    told = {"tei": "puts texts under labels (text-classification)", "tgi": "writes", "openai": "writes"}[site.kind]
    return Unsupported(f"server = {site.kind!r} {told}, and has no {task}: server = 'plain' has.", feature=task)
