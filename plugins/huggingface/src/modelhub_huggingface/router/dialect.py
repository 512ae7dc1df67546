"""Providers that speak OpenAI's dialect in a task: its own endpoints, at the provider's address behind the router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from modelhub_openai.embeddings import EmbeddingEndpoint
from modelhub_openai.speech import Speech
from modelhub_openai.transcriptions import Transcription

from modelhub.plugin import EmbeddingModel, EmbeddingRequest, HttpModel, HttpRequest, SpeechModel, TranscriptionModel
from modelhub_huggingface.options import HuggingFaceOptions, Prompts
from modelhub_huggingface.pipelines.embedding import prefixed
from modelhub_huggingface.router.served import Served

__all__ = ["PREFIXES", "at_prefix", "embedding", "speech", "transcription"]

PREFIXES: Mapping[str, str] = {"deepinfra": "v1/openai", "novita": "v3/openai"}
"""What stands before the dialect's operations, where that is not ``v1``."""


def at_prefix(served: Served) -> Served:
    """The same model where its provider speaks the dialect."""
    return replace(served, prefix=PREFIXES.get(served.by, served.prefix))


@dataclass(frozen=True)
class Vectors(EmbeddingEndpoint):
    """``embeddings`` of texts that have something put before them, by what they are embedded for."""

    prompts: Prompts = Prompts()

    def build(self, request: EmbeddingRequest, *, stream: bool) -> HttpRequest:
        return super().build(replace(request, inputs=prefixed(request, self.prompts)), stream=stream)


def embedding(served: Served, options: HuggingFaceOptions) -> EmbeddingModel:
    """``embeddings``: one vector a text, whichever way they are sent."""
    return HttpModel(Vectors(at_prefix(served), served.name, prompts=options.prompts))


def speech(served: Served, options: HuggingFaceOptions) -> SpeechModel:  # noqa: ARG001  # none of them is about sounds
    """``audio/speech``: the sound as it comes."""
    return HttpModel(Speech(at_prefix(served), served.name))


def transcription(served: Served, options: HuggingFaceOptions) -> TranscriptionModel:  # noqa: ARG001
    """``audio/transcriptions``: the file under a name that fits its bytes."""
    return HttpModel(Transcription(at_prefix(served), served.name))
