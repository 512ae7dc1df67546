"""The models that there are where they run, as cards: files on this machine, a llama.cpp server's, or an Ollama's."""

from __future__ import annotations

from modelhub.plugin import ModelCard, Runtime
from modelhub_llama.options import LlamaOptions

__all__ = ["listing"]


async def listing(options: LlamaOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The cards of the models where the options say that they run. Raises what asking a server may raise."""
    options = options or LlamaOptions()
    if options.place == "ollama":
        from modelhub_llama.ollama.listing import listing as at_ollama

        return await at_ollama(options, runtime)
    if options.place == "server":
        from modelhub_openai.listing import Listing

        from modelhub.plugin import HttpModel, Request
        from modelhub_llama.models import server
        from modelhub_llama.served import Served

        site = server(options)
        return (await Served(HttpModel(Listing(site)), site.advice).call(Request(), runtime)).cards
    from modelhub_llama.gguf.cards import local

    return tuple(await runtime.in_thread(local, options))
