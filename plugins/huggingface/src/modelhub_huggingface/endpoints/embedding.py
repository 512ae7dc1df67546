"""Vectors on an endpoint: TEI's own operation, the OpenAI-like one, or feature extraction at the address itself."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import EmbeddingModel, HttpModel, ModelCard
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.endpoints.cards import card
from modelhub_huggingface.endpoints.refusing import unserved
from modelhub_huggingface.endpoints.server import Server, server
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.waiting import Waiting

__all__ = ["model"]


def model(name: str, options: HuggingFaceOptions) -> EmbeddingModel:
    """The model of that name on the endpoint that the options describe."""
    return Waiting(_served(server(options, "tei"), name, options), options.cold_start)


def _about(site: Server, name: str, options: HuggingFaceOptions, **fields: Any) -> ModelCard:
    """The card; ``context_window`` is what one text may have."""
    limits = {} if options.context_window is None else {"input_tokens": options.context_window}
    return card(site, name, "embedding", task="feature-extraction", family="encoder", limits=limits, **fields)


def _served(site: Server, name: str, options: HuggingFaceOptions) -> Any:
    match site.kind:
        case "tei":
            from modelhub_huggingface.endpoints.tei_embedding import AT_ONCE, Embed

            about = _about(site, name, options, settings=frozenset({"dimensions"}), max_batch=AT_ONCE)
            return HttpModel(Embed(site, name, about, options.normalize, options.prompts))
        case "openai":
            from modelhub_openai.embeddings import EmbeddingEndpoint

            from modelhub_huggingface.endpoints.prompted import Prompted

            inner = Prompted(HttpModel(EmbeddingEndpoint(site, name)), options.prompts)
            return Carded(inner, _about(site, name, options))
        case "plain":
            from modelhub_huggingface.pipelines.embedding import PipelineEmbedding

            about = _about(site, name, options, settings=frozenset(), max_batch=32)
            return HttpModel(
                PipelineEmbedding(site, name, about, options.pooling, options.normalize, options.prompts, options.arguments)
            )
        case "tgi":
            raise unserved(site, "embedding", "tei", "openai", "plain")
