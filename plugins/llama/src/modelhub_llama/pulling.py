"""``modelhub models pull llama:NAME``: a model fetched by the server that is to run it."""

from __future__ import annotations

from collections.abc import Callable

from modelhub.plugin import ModelCard, Runtime, Unsupported
from modelhub_llama.options import LlamaOptions

__all__ = ["pull"]


async def pull(
    name: str, options: LlamaOptions | None, runtime: Runtime, progress: Callable[[int, int, str], object]
) -> ModelCard:
    """Have Ollama fetch the model, and give its card. Raises ``Unsupported`` where the models run elsewhere."""
    options = options or LlamaOptions()
    if options.place != "ollama":
        where = f'[providers.{options.provider}] engine = "ollama"'
        message = f"Only Ollama fetches models by their names ({where}). Give a file's address: https://HOST/PATH/FILE.gguf."
        raise Unsupported(message, feature="pull", model=f"{options.provider}:{name}")
    from modelhub_llama.ollama.listing import shown
    from modelhub_llama.ollama.pull import PullProgress
    from modelhub_llama.ollama.pull import pull as by_ollama

    def told(step: PullProgress) -> None:
        if step.total:
            progress(step.completed or 0, step.total, step.status)

    await by_ollama(name, options, runtime, told)
    return await shown(name, options, runtime)
