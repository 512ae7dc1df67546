"""Recognition on an endpoint: a pipeline at the address itself, or the OpenAI-like operation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from modelhub_openai.transcriptions import Transcription

from modelhub.plugin import HttpModel, HttpRequest, TranscriptionModel, TranscriptionRequest
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.endpoints.cards import card, known
from modelhub_huggingface.endpoints.refusing import unserved
from modelhub_huggingface.endpoints.server import Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.waiting import Waiting
from modelhub_huggingface.whole import Whole

__all__ = ["Unstreamed", "model"]


def model(name: str, options: HuggingFaceOptions) -> TranscriptionModel:
    """The model of that name on the endpoint that the options describe."""
    return Waiting(Whole(_served(server(options, "plain"), name, options)), options.cold_start)


@dataclass(frozen=True)
class Unstreamed(Transcription):
    """``v1/audio/transcriptions``, asked for whole: the servers that run open models stream in forms of their own."""

    def build(self, request: TranscriptionRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002
        return super().build(request, stream=False)


def _served(site: Server, name: str, options: HuggingFaceOptions) -> Any:
    match site.kind:
        case "plain":
            from modelhub_huggingface.pipelines.transcription import PipelineTranscription, transcription_card

            about = card(site, name, "transcription", **transcription_card(specified=False))
            return HttpModel(PipelineTranscription(site, name, about, options.arguments))
        case "openai":
            inner = Unstreamed(site, name)
            told = replace(inner.card, task="automatic-speech-recognition", **known(site, name))
            return Carded(HttpModel(inner), told)
        case "tgi" | "tei":
            raise unserved(site, "transcription", "plain", "openai")
