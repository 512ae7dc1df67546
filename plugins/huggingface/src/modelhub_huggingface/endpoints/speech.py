"""Speech on an endpoint: a pipeline at the address itself, or the OpenAI-like operation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelhub.plugin import HttpModel, SpeechModel
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.endpoints.cards import card, known
from modelhub_huggingface.endpoints.refusing import unserved
from modelhub_huggingface.endpoints.server import Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.waiting import Waiting
from modelhub_huggingface.whole import Whole

__all__ = ["model"]


def model(name: str, options: HuggingFaceOptions) -> SpeechModel:
    """The model of that name on the endpoint that the options describe."""
    return Waiting(_served(server(options, "plain"), name, options), options.cold_start)


def _served(site: Server, name: str, options: HuggingFaceOptions) -> Any:
    match site.kind:
        case "plain":
            from modelhub_huggingface.pipelines.speech import PipelineSpeech

            about = card(site, name, "speech", task="text-to-speech", settings=frozenset())
            return Whole(HttpModel(PipelineSpeech(site, name, about, options.arguments)))
        case "openai":
            from modelhub_openai.speech import Speech

            inner = Speech(site, name)
            return Carded(HttpModel(inner), replace(inner.card, task="text-to-speech", **known(site, name)))
        case "tgi" | "tei":
            raise unserved(site, "speech", "plain", "openai")
