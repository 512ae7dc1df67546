"""One Ollama: its address, what every request to it carries, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub_openai.site import guarded, json_bytes

from modelhub.plugin import Bearer, ConfigError, HttpRequest, HttpResponse, ModelhubError, Route, Secret, shown
from modelhub_llama.ollama.address import base_url
from modelhub_llama.options import LlamaOptions

__all__ = ["Ollama", "ollama"]

_ASKED = ("messages", "prompt", "input", "suffix", "system", "template", "context", "images", "tools")
_HOW = ("stream", "raw", "format", "think", "truncate", "shift", "keep_alive", "logprobs", "top_logprobs", "dimensions")
_BODY = {"model", "options", *_ASKED, *_HOW}
"""The fields of a body; whatever else a body is given more of is one of the model's ``options``."""
_FOREVER = -1
_USUAL = LlamaOptions().keep_alive


@dataclass(frozen=True, slots=True)
class Ollama:
    """A server. Pure, like the endpoints that ask it.

    ``options`` are those that stand in every request: ``num_ctx`` and how the model is loaded. A request that gives another
    ``num_ctx`` than the one before makes Ollama load the model anew, so all requests of one table give the same.
    """

    provider: str
    base_url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_alive: int | str | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    route: Route | None = None

    @property
    def context_window(self) -> int | None:
        """``num_ctx``; ``None`` where the server decides."""
        return self.options.get("num_ctx")

    @property
    def advice(self) -> str:
        """What to do where it cannot be reached."""
        return f"Is Ollama running? `ollama serve` starts it; base_url is {shown(self.base_url)}."

    def local(self, model: str) -> bool:
        """Whether the model runs on this machine, and not on another, nor, by its name, in Ollama's cloud."""
        here = self.base_url.startswith(("http://localhost:", "http://127.", "http://[::1]"))
        return here and not model.lower().endswith(("-cloud", ":cloud"))

    def body(self, own: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """A request's fields with those that stand in every one; ``extra`` over both. Options are laid over each other."""
        written = {name: value for name, value in own.items() if value is not None}
        options = {**self.options, **written.pop("options", {})}
        for more in (self.extra_body, extra):
            options |= more.get("options", {})
            options |= {name: value for name, value in more.items() if not _is_of_the_body(name)}
            written |= {name: value for name, value in more.items() if _is_of_the_body(name) and name != "options"}
        if self.keep_alive is not None:
            written.setdefault("keep_alive", self.keep_alive)
        return {**written, "options": options} if options else written

    def post(self, operation: str, body: Mapping[str, Any]) -> HttpRequest:
        """A request to ``chat``, ``embed``..."""
        headers = {**self.headers, "content-type": "application/json"}
        return HttpRequest("POST", f"{self.base_url}/api/{operation}", headers, json_bytes(body), self.route)

    def get(self, operation: str) -> HttpRequest:
        """A request that asks after something: ``tags``."""
        return HttpRequest("GET", f"{self.base_url}/api/{operation}", self.headers, None, self.route)

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        """What an unsuccessful answer means."""
        from modelhub_llama.ollama.faults import ollama_fault

        return ollama_fault(response, self, model)


def ollama(options: LlamaOptions) -> Ollama:
    """The server that the options describe. Raises ``ConfigError`` for an option that only a Modelfile can give a model."""
    _refuse_what_a_modelfile_says(options)
    loading = {
        "num_ctx": options.context_window,
        "num_thread": options.threads,
        "num_batch": options.batch,
        "num_gpu": options.gpu_layers,
        "use_mmap": None if options.mmap else False,
    }
    authorization: dict[str, str | Secret] = {"authorization": Bearer(options.api_key)} if options.api_key else {}
    return Ollama(
        options.provider,
        base_url(options.base_url, options.provider),
        {**authorization, **guarded(options.headers)},
        {name: value for name, value in loading.items() if value is not None},
        None if options.keep_alive == _USUAL else _duration(options.keep_alive),
        options.extra_body,
        options.route(),
    )


def _refuse_what_a_modelfile_says(options: LlamaOptions) -> None:
    lines = {"adapters": "ADAPTER", "projector": "FROM", "chat_template": "TEMPLATE"}
    for name, line in lines.items():
        if getattr(options, name):
            message = f"[providers.{options.provider}] {name} cannot be sent to Ollama: write it into a Modelfile ({line} ...)."
            raise ConfigError(message)


def _duration(seconds: float | None) -> int | str:
    """A time as Ollama reads it: whole seconds, or a text with its unit, since it cuts a number's fraction off."""
    if seconds is None:
        return _FOREVER
    return int(seconds) if seconds == int(seconds) else f"{seconds:g}s"


def _is_of_the_body(name: str) -> bool:
    return name in _BODY or name.startswith("_")
