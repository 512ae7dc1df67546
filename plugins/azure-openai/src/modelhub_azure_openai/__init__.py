"""Azure OpenAI: the chat-completions dialect on a company's own resource, with its deployments, tokens and filters."""

from __future__ import annotations

from modelhub.plugin import Provider, hookimpl

__all__ = ["modelhub_provider"]


@hookimpl
def modelhub_provider() -> Provider:
    """The kinds that a resource may have deployments of."""
    return Provider(
        name="azure-openai",
        title="Azure OpenAI",
        kinds={
            "text": "modelhub_azure_openai.models:text",
            "embedding": "modelhub_azure_openai.models:embedding",
            "image": "modelhub_azure_openai.models:image",
            "speech": "modelhub_azure_openai.models:speech",
            "transcription": "modelhub_azure_openai.models:transcription",
        },
        options="modelhub_azure_openai.options:AzureOptions",
        listing="modelhub_azure_openai.listing:listing",
    )
