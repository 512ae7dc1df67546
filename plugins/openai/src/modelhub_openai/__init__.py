"""The chat-completions dialect: OpenAI itself, and every host that speaks like it."""

from __future__ import annotations

from modelhub.plugin import Provider, hookimpl

__all__ = ["modelhub_provider"]


@hookimpl
def modelhub_provider() -> Provider:
    """All kinds that the dialect has; ``[providers.openai]`` says where the host is and how it differs."""
    return Provider(
        name="openai",
        title="OpenAI",
        kinds={
            "text": "modelhub_openai.text:model",
            "embedding": "modelhub_openai.embeddings:model",
            "image": "modelhub_openai.images:model",
            "speech": "modelhub_openai.speech:model",
            "transcription": "modelhub_openai.transcriptions:model",
            "reranking": "modelhub_openai.reranking:model",
        },
        options="modelhub_openai.options:OpenAIOptions",
        listing="modelhub_openai.listing:listing",
    )
