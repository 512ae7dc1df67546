"""The models of an Ollama, as a hub is given them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

from modelhub.plugin import (
    EmbeddingModel,
    HttpModel,
    Request,
    Response,
    Runtime,
    TextModel,
    TextRequest,
    Unreachable,
    Unsupported,
    Wrapper,
    shown,
)
from modelhub_llama.ollama.site import Ollama, ollama
from modelhub_llama.options import LlamaOptions

if TYPE_CHECKING:
    from modelhub_llama.overflow import Counted

__all__ = ["MODELS", "Served", "advised", "embedding", "reranking", "text"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


def text(name: str, options: LlamaOptions) -> TextModel:
    """A model that writes, by chat or, with ``prompt = "plain"``, by plain completion.

    Ollama has no ``tool_choice``: a tool that is forced is asked for by the schema of the answer.
    """
    site = ollama(options)
    if options.prompt == "plain":
        from modelhub_llama.ollama.plain import Plain

        return Served(HttpModel(Plain(site, name)), site)
    from modelhub_llama.ollama.chat import Chat
    from modelhub_llama.tools import HeldToTools

    model: TextModel = Served(HttpModel(Chat(site, name)), site)
    if options.on_overflow == "trim":
        from modelhub_llama.overflow import Fitting

        model = Fitting(model, _about, None, trim=True)
    return HeldToTools(model)


def embedding(name: str, options: LlamaOptions) -> EmbeddingModel:
    """A model that makes vectors."""
    from modelhub_llama.ollama.embeddings import Embeddings

    site = ollama(options)
    return Served(HttpModel(Embeddings(site, name)), site)


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


@dataclass(frozen=True, eq=False, repr=False)
class Served(Wrapper[RequestT, ResponseT, EventT]):
    """A model behind a server that may not be running: then the error says how it is started."""

    site: Ollama = field(repr=False)

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        try:
            return await self.inner.call(request, runtime)
        except Unreachable as error:
            raise advised(error, self.site) from None

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        try:
            async with aclosing(self.inner.stream(request, runtime)) as events:
                async for event in events:
                    yield event
        except Unreachable as error:
            raise advised(error, self.site) from None

    def __repr__(self) -> str:
        return f"Served({self.inner!r})"


def advised(error: Unreachable, site: Ollama) -> Unreachable:
    """The error of a server that does not answer, with what to do about it."""
    error.args = (f"{error.message} Is Ollama running? `ollama serve` starts it; base_url is {shown(site.base_url)}.",)
    return error
