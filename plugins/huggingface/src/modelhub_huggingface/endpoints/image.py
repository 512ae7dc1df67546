"""Pictures on an endpoint: a pipeline at the address itself, or the OpenAI-like operations."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import ConfigError, HttpModel, ImageModel
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.endpoints.cards import card, known
from modelhub_huggingface.endpoints.refusing import unserved
from modelhub_huggingface.endpoints.server import Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.image import PAINTING, Painting, PipelineImage, image_card
from modelhub_huggingface.tasks import task_named
from modelhub_huggingface.waiting import Waiting
from modelhub_huggingface.whole import Whole

__all__ = ["model"]


def model(name: str, options: HuggingFaceOptions) -> ImageModel:
    """The model of that name on the endpoint that the options describe."""
    return Waiting(_served(server(options, "plain"), name, options), options.cold_start)


def _served(site: Server, name: str, options: HuggingFaceOptions) -> Any:
    match site.kind:
        case "plain":
            task = _painting(options)
            about = card(site, name, "image", **image_card(task))
            return Whole(HttpModel(PipelineImage(site, name, task, about, options.arguments)))
        case "openai":
            from dataclasses import replace

            from modelhub_openai.images import Images

            inner = Images(site, name)
            return Carded(HttpModel(inner), replace(inner.card, **known(site, name)))
        case "tgi" | "tei":
            raise unserved(site, "image", "plain", "openai")


def _painting(options: HuggingFaceOptions) -> Painting:
    named = task_named(options.task) or "text-to-image"
    task = next((painting for painting in PAINTING if painting == named), None)
    if task is None:
        message = f"[providers.{options.provider}] task is {options.task!r}; pictures come of one of {', '.join(PAINTING)}."
        raise ConfigError(message)
    return task
