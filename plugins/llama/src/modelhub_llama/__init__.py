"""Open models on one's own machine: GGUF files in process, llama.cpp servers, and Ollama, under one provider name."""

from __future__ import annotations

from modelhub.plugin import Provider, hookimpl

__all__ = ["modelhub_provider"]


@hookimpl
def modelhub_provider() -> Provider:
    """Text, embeddings and reranking; ``[providers.llama]`` says where the models run and how."""
    return Provider(
        name="llama",
        title="llama.cpp and Ollama",
        kinds={
            "text": "modelhub_llama.models:text",
            "embedding": "modelhub_llama.models:embedding",
            "reranking": "modelhub_llama.models:reranking",
        },
        options="modelhub_llama.options:LlamaOptions",
        local="modelhub_llama.gguf.cards:local",
        files={".gguf": "modelhub_llama.gguf.cards:inspect"},
        hubs="modelhub_llama.gguf.hubs:hubs",
        listing="modelhub_llama.listing:listing",
        pull="modelhub_llama.pulling:pull",
        conversion="modelhub_llama.conversion.importing:converted",
    )
