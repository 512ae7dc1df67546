"""The models of each kind, wherever they run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from modelhub_openai.site import Host, host

from modelhub.plugin import EmbeddingModel, HttpModel, Model, ModelCard, Plan, RerankingModel, TextModel
from modelhub_llama.engine import LlamaEngine, Purpose, load
from modelhub_llama.gguf.finding import find
from modelhub_llama.gguf.header import read
from modelhub_llama.options import LlamaOptions
from modelhub_llama.resident import Resident

__all__ = ["embedding", "reranking", "server", "text"]

_Over = Callable[[Host, str], Model[Any, Any, Any]]


def text(name: str, options: LlamaOptions | None) -> TextModel:
    """A model that writes."""
    from modelhub_llama.text import Texts

    options = options or LlamaOptions()
    model: TextModel = _model("text", name, options, Texts(options))
    return model


def embedding(name: str, options: LlamaOptions | None) -> EmbeddingModel:
    """A model that makes vectors."""
    model: EmbeddingModel = _model("embedding", name, options or LlamaOptions(), _vectors)
    return model


def reranking(name: str, options: LlamaOptions | None) -> RerankingModel:
    """A model that puts documents in order."""
    model: RerankingModel = _model("reranking", name, options or LlamaOptions(), _order)
    return model


def _model(purpose: Purpose, name: str, options: LlamaOptions, over: _Over) -> Any:
    if options.place == "ollama":
        from modelhub_llama.ollama.model import MODELS

        return MODELS[purpose](name, options)
    if options.place == "server":
        return over(server(options), name)
    path = find(name, options)
    header = read(path)
    window = min(options.context_window or 4096, header.context_length or 4096)

    def made() -> LlamaEngine:
        return load(path, purpose, options, window)

    plan = Plan(
        key=(path, os.stat(path).st_mtime_ns, purpose, repr(options)),
        name=f"{options.provider}:{name}",
        load=made,
        places=options.parallel + options.queue,
    )
    card = ModelCard(model=f"{options.provider}:{name}", kind=purpose, context_window=window, local=True)
    if purpose == "text":
        from modelhub_llama.text import text_card

        card = text_card(options, name, template=header.chat_template or "", known=card)
    return Resident(card, plan, lambda engine: over(engine.host, name), purpose == "text")


def _vectors(site: Host, name: str) -> EmbeddingModel:
    from modelhub_openai.embeddings import EmbeddingEndpoint

    return HttpModel(EmbeddingEndpoint(site, name))


def _order(site: Host, name: str) -> RerankingModel:
    from modelhub_openai.reranking import Reranking

    return HttpModel(Reranking(site, name))


def server(options: LlamaOptions) -> Host:
    """A llama.cpp server, as the dialect is spoken to it."""
    from modelhub_openai.options import OpenAIOptions

    return host(
        OpenAIOptions(
            provider=options.provider,
            base_url=options.base_url or "http://localhost:8080/v1",
            api_key=options.api_key,
            api_key_env=None,
            headers={"connection": "close", **options.headers},  # llama.cpp closes a stream without saying so
            quirks=options.quirks,
            extra_body=options.extra_body,
            ca_bundle=options.ca_bundle,
            client_certificate=options.client_certificate,
            client_key=options.client_key,
            proxy=options.proxy,
        )
    )
