"""The models of each kind: the dialect's endpoints, on a resource."""

from __future__ import annotations

from modelhub.plugin import EmbeddingModel, HttpModel, ImageModel, SpeechModel, TextModel, TranscriptionModel
from modelhub_azure_openai.options import AzureOptions
from modelhub_azure_openai.site import azure_site

__all__ = ["embedding", "image", "speech", "text", "transcription"]


def text(name: str, options: AzureOptions | None) -> TextModel:
    """A deployment that writes."""
    site = azure_site(options, name)
    if options is not None and options.api == "responses":
        from modelhub_azure_openai.responses import AzureResponses

        return HttpModel(AzureResponses(site, name))
    from modelhub_azure_openai.chat import AzureChat

    return HttpModel(AzureChat(site, name))


def embedding(name: str, options: AzureOptions | None) -> EmbeddingModel:
    """A deployment that makes vectors."""
    from modelhub_openai.embeddings import EmbeddingEndpoint

    return HttpModel(EmbeddingEndpoint(azure_site(options, name), name))


def image(name: str, options: AzureOptions | None) -> ImageModel:
    """A deployment that draws."""
    from modelhub_azure_openai.images import AzureImages

    return HttpModel(AzureImages(azure_site(options, name), name))


def speech(name: str, options: AzureOptions | None) -> SpeechModel:
    """A deployment that speaks."""
    from modelhub_openai.speech import Speech

    return HttpModel(Speech(azure_site(options, name), name))


def transcription(name: str, options: AzureOptions | None) -> TranscriptionModel:
    """A deployment that listens."""
    from modelhub_openai.transcriptions import Transcription

    return HttpModel(Transcription(azure_site(options, name), name))
