"""Open models of Hugging Face: through the router, on dedicated endpoints, in this process; and the hub as a catalog."""

from __future__ import annotations

from modelhub.plugin import Provider, hookimpl

__all__ = ["modelhub_provider"]


@hookimpl
def modelhub_provider() -> Provider:
    """Every kind; ``[providers.huggingface]`` says where models run and how."""
    return Provider(
        name="huggingface",
        title="Hugging Face",
        kinds={
            "text": "modelhub_huggingface.models:text",
            "embedding": "modelhub_huggingface.models:embedding",
            "image": "modelhub_huggingface.models:image",
            "speech": "modelhub_huggingface.models:speech",
            "transcription": "modelhub_huggingface.models:transcription",
            "reranking": "modelhub_huggingface.models:reranking",
        },
        options="modelhub_huggingface.options:HuggingFaceOptions",
        listing="modelhub_huggingface.listing:listing",
        search="modelhub_huggingface.hub.search:search",
        describe="modelhub_huggingface.hub.describe:describe",
        local="modelhub_huggingface.hub.local:local",
        pull="modelhub_huggingface.local.pulling:pull",
    )
