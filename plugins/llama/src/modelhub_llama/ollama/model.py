"""The models of an Ollama, as a hub is given them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from modelhub.plugin import (
    EmbeddingModel,
    HttpModel,
    Runtime,
    TextModel,
    TextRequest,
    Unsupported,
)
from modelhub_llama.ollama.site import ollama
from modelhub_llama.options import LlamaOptions
from modelhub_llama.served import Served

if TYPE_CHECKING:
    from modelhub_llama.overflow import Counted

__all__ = ["MODELS", "embedding", "reranking", "text"]


def text(name: str, options: LlamaOptions) -> TextModel:
    """A model that writes, by chat or, with ``prompt = "plain"``, by plain completion.

    Ollama has no ``tool_choice``: a tool that is forced is asked for by the schema of the answer.
    """
    site = ollama(options)
    if options.prompt == "plain":
        from modelhub_llama.ollama.plain import Plain

        return Served(HttpModel(Plain(site, name)), site.advice)
    from modelhub_llama.ollama.chat import Chat
    from modelhub_llama.tools import HeldToTools

    model: TextModel = Served(HttpModel(Chat(site, name)), site.advice)
    if options.on_overflow == "trim":
        from modelhub_llama.overflow import Fitting

        model = Fitting(model, _about, None, trim=True)
    return HeldToTools(model)


def embedding(name: str, options: LlamaOptions) -> EmbeddingModel:
    """A model that makes vectors."""
    from modelhub_llama.ollama.embeddings import Embeddings

    site = ollama(options)
    return Served(HttpModel(Embeddings(site, name)), site.advice)


def reranking(name: str, options: LlamaOptions) -> Any:
    """Nothing: raises ``Unsupported``, since Ollama puts no documents in order."""
    message = "Ollama has no reranking: run the model in process (llama:./reranker.gguf) or on a llama.cpp server."
    raise Unsupported(message, feature="reranking", model=f"{options.provider}:{name}")


async def _about(request: TextRequest, runtime: Runtime) -> Counted:
    """How many tokens a prompt has, about and rather too many: Ollama counts none before it is asked."""
    from modelhub_llama.overflow import Counted, about

    return Counted(ceil(1.1 * await runtime.in_thread(about, request)), exact=False)


MODELS: Mapping[str, Callable[[str, LlamaOptions], Any]] = {"text": text, "embedding": embedding, "reranking": reranking}
"""The function for each kind."""
