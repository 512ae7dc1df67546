"""The options of a model as llama.cpp's own parameters."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import ConfigError, SetupError
from modelhub_llama.options import LlamaOptions

__all__ = ["fill"]

_NOBODY = "http://modelhub.invalid"
"""The only web page that a browser lets ask the engine: there is none at a name that ends so."""
_MOST_AT_THE_DOOR = 256
"""Threads for requests that are decoded or wait: each has one, and who comes later waits before the door."""


def fill(parameters: Any, llama: Any, options: LlamaOptions, window: int) -> None:
    """Set how it runs. ``llama`` is the engine's module, ``window`` the tokens of one request.

    Raises ``ConfigError`` for options that do not go together, ``SetupError`` for one that this engine does not know.
    """
    setting = _Setting(parameters, llama)
    _door(setting, options)
    _requests(setting, options, window)
    _computing(setting, options)
    _memory(setting, options)


class _Setting:
    """One parameter after another, whose names differ between the engine's versions."""

    def __init__(self, parameters: Any, llama: Any) -> None:
        self.parameters = parameters
        self.llama = llama

    def __call__(self, option: str, value: Any, *names: str) -> None:
        """Set the first of these parameters that there is; an option that was not given (``None``) is left to the engine."""
        if value is None:
            return
        for name in names:
            if hasattr(self.parameters, name):
                setattr(self.parameters, name, value)
                return
        raise self._too_old(option)

    def quietly(self, value: Any, *names: str) -> None:
        """Set it where there is such a parameter; without it, the engine does what is wanted by itself."""
        for name in names:
            if hasattr(self.parameters, name):
                setattr(self.parameters, name, value)

    def member(self, option: str, enumeration: str, name: str) -> Any:
        """``member("mmap", "llama_load_mode", "NONE")``: a value of one of the engine's enumerations."""
        kind = getattr(self.llama, enumeration, None)
        found = getattr(kind, f"{enumeration.upper()}_{name}", None)
        if found is None:
            raise self._too_old(option)
        return found

    def _too_old(self, option: str) -> SetupError:
        version = getattr(self.llama, "__version__", "unknown")
        return SetupError(f"The option {option} is not known to xllamacpp {version}. Leave it out, or upgrade xllamacpp.")


def _door(setting: _Setting, options: LlamaOptions) -> None:
    """Loopback alone, at a port that the system chooses; no pages, and no web page may ask."""
    setting.quietly(["127.0.0.1"], "hostnames")
    setting.quietly("127.0.0.1", "hostname")
    setting.quietly(0, "port")
    setting.quietly(False, "ui", "webui", "endpoint_metrics", "endpoint_props", "ui_mcp_proxy")
    setting.quietly(True, "endpoint_slots")
    setting.quietly(_NOBODY, "cors_origins")
    setting.quietly(False, "cors_credentials")
    setting.quietly(min(options.parallel + options.queue, _MOST_AT_THE_DOOR) + 4, "n_threads_http")
    setting.quietly(0, "verbosity")


def _requests(setting: _Setting, options: LlamaOptions, window: int) -> None:
    """Each request has a whole window of its own, so that one that was begun never lacks room."""
    setting("context_window", max(window * options.parallel, 2), "n_ctx")  # of a single token, it would die
    setting("parallel", options.parallel, "n_parallel")
    setting.quietly(False, "kv_unified", "ctx_shift", "warmup", "cache_idle_slots")
    setting.quietly(0, "cache_ram_mib")  # what is kept beside the window would be memory that nobody counted
    setting.quietly(True, "use_jinja")
    setting("batch", options.batch, "n_batch")
    setting("micro_batch", options.micro_batch, "n_ubatch")


def _computing(setting: _Setting, options: LlamaOptions) -> None:
    parameters = setting.parameters
    if options.threads is not None:
        parameters.cpuparams.n_threads = options.threads
    if options.threads_batch is not None or options.threads is not None:
        parameters.cpuparams_batch.n_threads = options.threads_batch or options.threads
    setting("gpu_layers", options.gpu_layers, "n_gpu_layers")
    fitted = options.gpu_layers is None and _has_gpu(setting.llama)
    setting.quietly(fitted, "fit_params")  # without a GPU, the file would be read twice for nothing
    if options.flash_attention is not None:
        state = "ENABLED" if options.flash_attention else "DISABLED"
        value = setting.member("flash_attention", "llama_flash_attn_type", state)
        setting("flash_attention", value, "flash_attn_type")


def _has_gpu(llama: Any) -> bool:
    """Whether there is a device beside the processor; in doubt, there is."""
    try:
        return any("CPU" not in getattr(device["type"], "name", "") for device in llama.get_device_info())
    except (AttributeError, KeyError, TypeError):
        return True


def _memory(setting: _Setting, options: LlamaOptions) -> None:
    if options.cache_type_v not in ("f32", "f16", "bf16") and options.flash_attention is False:
        told = f"cache_type_v is {options.cache_type_v!r}, which needs flash attention"
        raise ConfigError(f"{told}: leave out flash_attention = false, or choose f16.")
    for option in ("cache_type_k", "cache_type_v"):
        name = getattr(options, option)
        if name != "f16":
            setting(option, setting.member(option, "ggml_type", name.upper()), option)
    if options.mmap and not options.mlock:
        return
    parameters = setting.parameters
    if hasattr(parameters, "load_mode"):
        mode = "MMAP_MLOCK" if options.mmap else "MLOCK" if options.mlock else "NONE"
        parameters.load_mode = setting.member("mlock" if options.mlock else "mmap", "llama_load_mode", mode)
        return
    setting("mmap", options.mmap, "use_mmap")
    setting("mlock", options.mlock, "use_mlock")
