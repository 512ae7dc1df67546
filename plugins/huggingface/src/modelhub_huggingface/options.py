"""What ``[providers.huggingface]``, or a table that uses this plugin, may hold."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub.plugin import Route, Secret

__all__ = ["AUTO", "POLICIES", "HuggingFaceOptions", "Place", "Pooling", "Prompts"]

Place = Literal["router", "endpoint", "local"]
Pooling = Literal["mean", "cls", "max", "last"]
AUTO = "auto"
POLICIES = (AUTO, "fastest", "cheapest", "preferred")
"""What stands in a provider's place where the router is to choose one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What is put before texts that are embedded, by what they are embedded for."""

    query: str | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HuggingFaceOptions:
    """Where the models run, and how."""

    provider: str = "huggingface"
    config_folder: str = "."
    """What relative files start from: the configuration's own folder."""
    engine: Place | None = None
    """Left out: ``endpoint`` where there is a ``base_url``, ``local`` where the model's name is a path, else ``router``."""
    task: str | None = None
    """What the model is for, in the hub's words (``summarization``, ``fill-mask``); left out, as its card or its files say."""

    # over the network
    api_key: Secret | None = None
    """Left out: ``HF_TOKEN``, else the file that ``hf auth login`` writes; an endpoint gets none of these unasked."""
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Fields put into every JSON body as they are."""
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    hub_url: str | None = field(default=None, repr=False)
    """The hub; left out, ``HF_ENDPOINT``, else ``https://huggingface.co``."""

    # the router
    router_url: str = field(default="https://router.huggingface.co", repr=False)
    inference_provider: str = "auto"
    """Who computes: a provider's name (``groq``), ``auto``, or a policy (``fastest``, ``cheapest``, ``preferred``)."""
    bill_to: str | None = None
    """The organisation that pays."""
    cold_start: float = 120.0
    """Seconds for which a model that is being loaded is waited for, at most; ``0`` raises ``ModelLoading`` at once."""

    # a dedicated endpoint
    base_url: str | None = field(default=None, repr=False)
    """Its address, as its page shows it; with or without ``/v1``."""
    server: Literal["tgi", "tei", "openai", "plain"] | None = None
    """What runs there; left out, ``openai`` for text, ``tei`` for vectors and order, ``plain`` for all else."""

    # in this process
    revision: str | None = None
    """A branch, a tag or a commit of the model's repository; left out, ``main``."""
    offline: bool = False
    """Ask the hub nothing: cards are those that were kept; ``HF_HUB_OFFLINE=1`` says the same."""
    cache: str | None = None
    """The folder of that cache; left out, ``HF_HUB_CACHE``, ``HF_HOME``, else ``~/.cache/huggingface/hub``."""
    pickled_weights: bool = False
    """Whether weights that are not safetensors may be loaded: unpickling runs whatever the file says."""
    device: str | None = None
    """``cpu``, ``cuda``, ``cuda:1``, ``mps``; left out, the first accelerator, else the processor."""
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Left out: as the weights are stored, ``float32`` where a processor has to; ``bfloat16`` for vectors where it is fast."""
    threads: int | None = None
    """Of the processor, for all models of this process."""
    batch: int = 8
    """Requests that are computed beside each other."""
    queue: int = 128
    """Requests that may wait for their turn; one more is refused with ``RateLimited``."""
    processes: int = 1
    """Of embeddings: how many processes share a large request; each loads the weights."""
    context_window: int | None = None
    """Tokens of one request, prompt and answer together; left out, what the model was trained for."""
    chat_template: str | None = None
    """A Jinja file in place of the model's own template, or the template itself."""
    prompt: Literal["chat", "plain"] | None = None
    """``plain``: the text of the last message goes to the model as it is; left out, ``chat`` where there is a template."""
    pooling: Pooling | None = None
    """How the vectors of tokens become one; left out, as the model says."""
    normalize: bool | None = None
    """Whether vectors are made one long; left out, as the model says."""
    prompts: Prompts = Prompts()
    """What is put before texts that are embedded: ``{ query = "query: " }``; left out, as the model says."""
    keep_alive: float | None = 300.0
    """Seconds for which a model that nobody uses stays loaded; ``false`` for ever."""
    memory_limit: str | int | None = None
    """Bytes that all loaded models may take together, ``"8 GiB"``; left out, what the machine has free."""
    max_loaded: int | None = None
    """How many models stay loaded beside each other at most."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the library that computes is told beside, at every call: ``{ num_beams = 4 }``, ``{ num_inference_steps = 20 }``."""

    def place(self, name: str) -> Place:
        """Where the model of that name runs."""
        if self.engine is not None:
            return self.engine
        if self.base_url is not None:
            return "endpoint"
        return "local" if self.is_path(name) else "router"

    def is_path(self, name: str) -> bool:
        """Whether a name is one of a folder on this machine: ``owner/model`` never is, ``./model`` always."""
        return name.startswith((".", "/", "~", "\\")) or os.path.isabs(name)

    def folder(self, name: str) -> str:
        """A relative folder's whole path: where the configuration stands, else where the program runs."""
        name = os.path.expanduser(name)
        beside = os.path.join(self.config_folder, name)
        return os.path.abspath(name if not os.path.exists(beside) and os.path.exists(name) else beside)

    def hub(self) -> str:
        """The hub's address."""
        return (self.hub_url or os.environ.get("HF_ENDPOINT", "").strip() or "https://huggingface.co").rstrip("/")

    def route(self) -> Route | None:
        """How a server is reached, where the machine's own settings do not suffice."""
        given = (self.ca_bundle, self.client_certificate, self.client_key, self.proxy)
        return Route(*given) if any(given) else None
