"""What ``[providers.llama]``, or a table that uses this plugin, may hold."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub_openai.quirks import Quirks

from modelhub.plugin import Route, Secret

__all__ = ["Adapter", "CacheType", "Embedder", "LlamaOptions", "Pooling", "Prompts"]

CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
Embedder = Literal["llama.cpp", "numpy", "torch"]
Pooling = Literal["none", "mean", "cls", "last", "rank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA adapter, laid over the model's weights."""

    file: str
    """A GGUF file; relative to the configuration."""
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What is put before texts that are embedded, by what they are embedded for."""

    query: str | None = None
    document: str | None = None

    def given(self) -> dict[Literal["query", "document"], str]:
        """Those that are set."""
        found: dict[Literal["query", "document"], str] = {}
        if self.query is not None:
            found["query"] = self.query
        if self.document is not None:
            found["document"] = self.document
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaOptions:
    """Where the models run, and how. What stands below ``in process`` a server sets itself."""

    provider: str = "llama"
    config_folder: str = "."
    """What relative files start from: the configuration's own folder."""
    engine: Literal["in-process", "server", "ollama"] | None = None
    """Left out: ``server`` where there is a ``base_url``, else ``in-process``."""

    # a server
    base_url: str | None = None
    """Of a server up to ``/v1``, of Ollama without; left out, ``http://localhost:8080/v1`` and ``http://localhost:11434``."""
    api_key: Secret | None = None
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    quirks: Quirks = Quirks(structured_output="json_schema", named_tools=False, embedding_format="float", schema_limits=False)
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None

    # what a request is made into
    prompt: Literal["chat", "plain"] = "chat"
    """``plain``: the text of the last message goes to the model as it is, without a template, to be continued."""
    on_overflow: Literal["error", "trim"] = "error"
    """``trim`` leaves out the oldest turns of a conversation that is too long, and says so in a notice."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Fields put into every JSON body as they are: ``{ min_p = 0.05 }``."""
    keep_alive: float | None = 300.0
    """Seconds for which a model that nobody uses stays loaded; ``false`` for ever."""

    # in process
    models: tuple[str, ...] = ("models",)
    """Folders in which GGUF files are found by name, beside the cache of imported models."""
    context_window: int | None = None
    """Tokens of one request, prompt and answer together, up to what the model was trained for; left out, 4,096 at most."""
    parallel: int = 2
    """Requests that are decoded beside each other; each has a whole context window."""
    queue: int = 128
    """Requests that may wait for their turn; one more is refused with ``RateLimited``."""
    memory_limit: str | int | None = None
    """Bytes that all loaded models may take together, ``"8 GiB"``; left out, what the machine has free."""
    max_loaded: int | None = None
    """How many models stay loaded beside each other at most."""
    chat_template: str | None = None
    """A Jinja file in place of the model's own template, or the template itself."""
    projector: str | None = None
    """A GGUF file (``mmproj``) that lets the model see pictures."""
    adapters: tuple[Adapter, ...] = ()
    pooling: Pooling | None = None
    """How the vectors of tokens become one; left out, as the model says. Of a server that does not pool, it is done here."""
    prompts: Prompts = Prompts()
    """What is put before texts that are embedded for that purpose: ``{ query = "query: " }``; left out, as the model says."""
    embedder: Embedder = "llama.cpp"
    """What computes a BERT's vectors: numpy and torch need no engine, and less of the processor's time."""
    threads: int | None = None
    threads_batch: int | None = None
    batch: int | None = None
    """Tokens that are taken in at once; ``micro_batch``: computed at once."""
    micro_batch: int | None = None
    gpu_layers: int | None = None
    """Layers on the GPU; left out, all that fit, where there is one."""
    cache_type_k: CacheType = "f16"
    cache_type_v: CacheType = "f16"
    flash_attention: bool | None = None
    """Left out, where the engine finds it of use."""
    mmap: bool = True
    mlock: bool = False

    @property
    def place(self) -> Literal["in-process", "server", "ollama"]:
        """Where the models run."""
        return self.engine or ("server" if self.base_url else "in-process")

    def file(self, name: str) -> str:
        """A relative file's whole path: where the configuration stands, else where the program runs."""
        name = os.path.expanduser(name)
        beside = os.path.join(self.config_folder, name)
        return os.path.abspath(name if not os.path.exists(beside) and os.path.exists(name) else beside)

    def loaded(self) -> dict[str, Any]:
        """Those that an engine is loaded with, with whole paths of files; what is sent with a request is not among them."""
        template = self.chat_template
        is_file = template is not None and "{{" not in template and "{%" not in template
        return {
            **{name: getattr(self, name) for name in _LOADED},
            "chat_template": self.file(template) if template is not None and is_file else template,
            "projector": None if self.projector is None else self.file(self.projector),
            "adapters": tuple(Adapter(file=self.file(adapter.file), scale=adapter.scale) for adapter in self.adapters),
        }

    def route(self) -> Route | None:
        """How a server is reached, where the machine's own settings do not suffice."""
        given = (self.ca_bundle, self.client_certificate, self.client_key, self.proxy)
        return Route(*given) if any(given) else None


_LOADED = (
    *("parallel", "queue", "prompt", "pooling", "threads", "threads_batch", "batch", "micro_batch", "gpu_layers"),
    *("cache_type_k", "cache_type_v", "flash_attention", "mmap", "mlock"),
)
