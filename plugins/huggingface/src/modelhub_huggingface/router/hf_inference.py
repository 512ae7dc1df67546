"""Models whose pipelines Hugging Face runs itself: ``hf-inference``, which takes each task as the hub specifies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from modelhub.plugin import (
    EmbeddingModel,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ImageModel,
    ModelhubError,
    RerankingModel,
    SpeechModel,
    TextModel,
    TranscriptionModel,
)
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.embedding import PipelineEmbedding
from modelhub_huggingface.pipelines.image import Painting, PipelineImage, image_card
from modelhub_huggingface.pipelines.reranking import Order, PipelineReranking
from modelhub_huggingface.pipelines.site import JSON
from modelhub_huggingface.pipelines.speech import PipelineSpeech
from modelhub_huggingface.pipelines.text import PipelineText, text_card, text_task
from modelhub_huggingface.pipelines.transcription import PipelineTranscription, transcription_card
from modelhub_huggingface.router.served import Served
from modelhub_huggingface.whole import Whole

__all__ = ["Pipeline", "embedding", "image", "reranking", "speech", "text", "transcription"]

_SEVERAL = ("feature-extraction", "sentence-similarity")
"""Tasks that one model may serve both: the address says which is meant."""
_ANYTHING = (JSON, "*/*")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of one model: a ``PipelineSite``."""

    served: Served
    specified: bool = True

    @property
    def provider(self) -> str:
        return self.served.provider

    def ask(self, content: Mapping[str, Any] | bytes, *, media_type: str = JSON, accept: str = JSON) -> HttpRequest:
        task = self.served.task
        path = f"models/{self.served.id}" + (f"/pipeline/{task}" if task in _SEVERAL else "")
        accepted = {} if accept in _ANYTHING else {"accept": accept}
        if isinstance(content, bytes):
            return self.served.data(path, content, media_type, accepted)
        return self.served.json(path, content, accepted)

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        return self.served.fault(response, model)


def text(served: Served, options: HuggingFaceOptions) -> TextModel:
    """A classic text task."""
    task = text_task(served.task, specified=True)
    card = served.card("text", **text_card(served.task, task))
    return Whole(HttpModel(PipelineText(Pipeline(served), served.model, task, card, options.arguments)))


def embedding(served: Served, options: HuggingFaceOptions) -> EmbeddingModel:
    """Vectors, pooled where the options say how."""
    card, manner = served.card("embedding"), (options.pooling, options.normalize, options.prompts, options.arguments)
    return HttpModel(PipelineEmbedding(Pipeline(served), served.model, card, *manner))


def reranking(served: Served, options: HuggingFaceOptions) -> RerankingModel:
    """An order of documents, or of labels."""
    order = cast("Order", served.task)
    return HttpModel(PipelineReranking(Pipeline(served), served.model, order, served.card("reranking"), options.arguments))


def image(served: Served, options: HuggingFaceOptions) -> ImageModel:
    """A picture's bytes."""
    task = cast("Painting", served.task)
    card = served.card("image", **image_card(task))
    return HttpModel(PipelineImage(Pipeline(served), served.model, task, card, options.arguments))


def speech(served: Served, options: HuggingFaceOptions) -> SpeechModel:
    """A sound's bytes."""
    return Whole(HttpModel(PipelineSpeech(Pipeline(served), served.model, served.card("speech"), options.arguments)))


def transcription(served: Served, options: HuggingFaceOptions) -> TranscriptionModel:
    """The words of a sound that goes as it is."""
    card = served.card("transcription", **transcription_card(specified=True))
    return Whole(HttpModel(PipelineTranscription(Pipeline(served), served.model, card, options.arguments)))
