"""The models of each kind, wherever they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from modelhub_openai.site import Host, host

from modelhub.plugin import EmbeddingModel, Model, Plan, RerankingModel, TextModel, Unsupported
from modelhub_llama.engine import LlamaEngine, Purpose
from modelhub_llama.gguf.cards import card as described
from modelhub_llama.gguf.finding import find
from modelhub_llama.gguf.header import read
from modelhub_llama.gguf.memory import window as tokens_of
from modelhub_llama.host import LlamaHost
from modelhub_llama.options import LlamaOptions
from modelhub_llama.resident import Resident
from modelhub_llama.served import Served

__all__ = ["embedding", "engine_plan", "reranking", "server", "text"]

_Over = Callable[[Host, str], Model[Any, Any, Any]]


def text(name: str, options: LlamaOptions | None) -> TextModel:
    """A model that writes."""
    from modelhub_llama.text import Texts

    options = options or LlamaOptions()
    model: TextModel = _model("text", name, options, Texts(options))
    return model


def embedding(name: str, options: LlamaOptions | None) -> EmbeddingModel:
    """A model that makes vectors."""
    from modelhub_llama.vectors import Told, in_process, vectors

    options = options or LlamaOptions()
    if options.place == "in-process":
        return in_process(name, options)
    told = Told(pooling=options.pooling, prompts=options.prompts.given())
    model: EmbeddingModel = _model("embedding", name, options, lambda site, name: vectors(site, name, told))
    return model


def reranking(name: str, options: LlamaOptions | None) -> RerankingModel:
    """A model that puts documents in order."""
    from modelhub_llama.reranking import in_process, order

    options = options or LlamaOptions()
    if options.place == "in-process":
        return in_process(name, options)
    model: RerankingModel = _model("reranking", name, options, order)
    return model


def _model(purpose: Purpose, name: str, options: LlamaOptions, over: _Over) -> Any:
    if options.place == "ollama":
        from modelhub_llama.ollama.model import MODELS

        return MODELS[purpose](name, options)
    if options.place == "server":
        site = server(options)
        return Served(over(site, name), site.advice)
    path = find(name, options)
    header = read(path)
    window = tokens_of(header, options)
    plan = engine_plan(purpose, path, name, options, window)
    known = described(path, name, options)
    if purpose == "text" and known.kind != "text" and header.chat_template is None:
        told = f"{known.model} writes no text, it is a model for {known.kind}: ask hub.{known.kind} for it."
        raise Unsupported(told, feature="text", model=known.model)
    card = replace(known, kind=purpose, context_window=window, local=True)
    if purpose == "text":
        from modelhub_llama.template import written
        from modelhub_llama.text import Texts, text_card

        over = Texts(options, header.context_length)
        card = text_card(options, name, template=written(header, options), known=card)
    return Resident(card, plan, lambda engine: over(engine.reached(options), name), purpose == "text")


def engine_plan(purpose: Purpose, path: str, name: str, options: LlamaOptions, window: int) -> Plan[LlamaEngine]:
    """How llama.cpp is loaded with a file; models with the same plan share it."""
    from modelhub_llama.plans import plan

    return plan(purpose, path, name, options, window)


def server(options: LlamaOptions) -> LlamaHost:
    """A llama.cpp server, as the dialect is spoken to it."""
    from modelhub_openai.options import OpenAIOptions

    told = host(
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
    return LlamaHost(**{field.name: getattr(told, field.name) for field in fields(told)})
