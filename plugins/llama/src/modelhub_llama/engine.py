"""llama.cpp in this process: a model loaded from a file, and the loopback door that it answers at."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Literal

from modelhub_openai.site import Host

from modelhub.plugin import Bearer, Plain, Route, SetupError
from modelhub_llama.attachments import attach
from modelhub_llama.options import LlamaOptions
from modelhub_llama.pooling import pool
from modelhub_llama.template import settled

__all__ = ["LlamaEngine", "Purpose", "load"]

Purpose = Literal["text", "embedding", "reranking"]


class LlamaEngine:
    """A loaded model. It is reached at ``host``, on a loopback port that only this process knows the key of."""

    def __init__(self, server: Any, host: Host) -> None:
        self.host = host
        self._server = server

    def close(self) -> None:
        """End the engine's threads and give its memory back."""
        self._server = None


def load(path: str, purpose: Purpose, options: LlamaOptions, context_window: int) -> LlamaEngine:
    """Load a GGUF file. Raises ``SetupError`` where the engine is not installed, or does not take the file."""
    llama = _installed()
    key = secrets.token_urlsafe(32)
    parameters = llama.CommonParams()
    _apply(parameters, _settings(options, context_window))
    parameters.model.path = path
    parameters.api_keys = [key]
    attach(llama, parameters, options)
    if purpose != "text":
        pool(llama, parameters, purpose, options, context_window)
    elif options.prompt == "chat" and (template := settled(path, options)) is not None:
        parameters.chat_template = template
    try:
        server = llama.Server(parameters)
    except RuntimeError as error:
        if purpose == "text" and options.prompt == "chat":
            settled(path, options, suspect=True)
        raise SetupError(f"llama.cpp could not load {path}: {error}") from error
    host = Host(
        options.provider,
        f"{server.listening_address}/v1",
        {"authorization": Bearer(Plain(key)), "connection": "close"},  # it closes a stream without saying so
        options.quirks,
        extra_body=options.extra_body,
        route=Route(proxy="none"),
    )
    return LlamaEngine(server, host)


def _installed() -> Any:
    try:
        import xllamacpp
    except ImportError:
        message = 'The engine is not installed, so no GGUF file can be run in process: pip install "modelhub-llama[engine]".'
        raise SetupError(message) from None
    return xllamacpp


def _settings(options: LlamaOptions, context_window: int) -> Mapping[str, Any]:
    return {
        "port": 0,
        "n_ctx": context_window * options.parallel,
        "n_parallel": options.parallel,
        "n_threads_http": options.parallel + options.queue + 4,
        "warmup": False,
        "use_jinja": True,
        "verbosity": 0,
        "ui": False,
    }


def _apply(parameters: Any, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        setattr(parameters, name, value)
