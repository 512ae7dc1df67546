"""How a model is loaded with its options: what is shared, what it needs, and what to do where that is not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from typing import TypeVar

from modelhub.plugin import ConfigError, Engine, Plan, SetupError, bytes_of
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.weights import Weights, weights
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["memory", "plan", "safe"]

AnyEngine = TypeVar("AnyEngine", bound=Engine)
_ROOM = 64 << 20
"""Bytes for what every model needs beside its weights: its tokenizer, and the numbers between two layers."""
_SIZES = {"float32": 4, "bfloat16": 2, "float16": 2}
_LOADING = ("device", "dtype", "threads", "pickled_weights")
"""What loading reads of the options. All else is looked at for each request, so that it makes no second engine."""
_LOADING_FOR = {"text": ("batch",), "vectors": ("processes", "pooling", "normalize")}
"""What it reads beside, by the purpose."""
_STORED = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4}


def plan(
    name: str, folder: ModelFolder, options: HuggingFaceOptions, purpose: str, load: Callable[[], AnyEngine], extra: int = 0
) -> Plan[AnyEngine]:
    """How the model is loaded; models whose plans have the same key share it. ``extra`` bytes are needed beside the weights.

    Raises ``ConfigError`` for an option out of bounds, ``SetupError`` for weights that are not there or not safe.
    """
    _check(options)
    found = safe(folder, options)
    where = f"[providers.{options.provider}]"
    return Plan(
        key=_key(folder, found, options, purpose),
        name=f"{options.provider}:{name}",
        load=load,
        places=options.batch + options.queue,
        more_places=f"Raise queue (it is {options.queue}) in {where}, or ask again later.",
        memory=memory(found, options) + extra,
        less_memory=f'Set dtype = "bfloat16" in {where}, or take a smaller model.',
        memory_limit=None if options.memory_limit is None else bytes_of(options.memory_limit, f"{where} memory_limit"),
        max_loaded=options.max_loaded,
        keep_alive=None if options.keep_alive is False else options.keep_alive,
    )


def safe(folder: ModelFolder, options: HuggingFaceOptions) -> Weights:
    """The weights, where they may be loaded. Raises ``SetupError`` where loading them could run what the file says."""
    found = weights(folder)
    if found.pickled and not options.pickled_weights:
        message = (
            f"{folder.path} has no safetensors, only {os.path.basename(found.files[0])}: loading it can run what it holds. "
            f"Where you trust whoever made it, set pickled_weights = true in [providers.{options.provider}]."
        )
        raise SetupError(message)
    return found


def memory(found: Weights, options: HuggingFaceOptions) -> int:
    """Bytes that the weights take once they are loaded, and some room beside."""
    size = _SIZES.get(options.dtype or "") or (4 if found.stored == "F16" else _STORED.get(found.stored or "", 4))
    loaded = found.bytes if found.parameters is None else found.parameters * size
    return loaded + loaded // 10 + _ROOM


def _key(folder: ModelFolder, found: Weights, options: HuggingFaceOptions, purpose: str) -> Hashable:
    """The files as they are now, and the options that they are loaded with."""
    state = [(file, os.stat(file).st_mtime_ns, os.path.getsize(file)) for file in found.files]
    read = (*_LOADING, *_LOADING_FOR.get(purpose, ()))
    return (os.path.realpath(folder.path), tuple(state), purpose, tuple(getattr(options, name) for name in read))


def _check(options: HuggingFaceOptions) -> None:
    where = f"[providers.{options.provider}]"
    cores = 4 * (os.cpu_count() or 1)
    bounds = {
        "threads": (1, cores),
        "batch": (1, 1024),
        "queue": (0, 1 << 20),
        "processes": (1, cores),
        "context_window": (1, None),
    }
    for option, (least, most) in {**bounds, "max_loaded": (1, None), "keep_alive": (0, None)}.items():
        value = getattr(options, option)
        if value is not None and value < least:
            raise ConfigError(f"{where} {option} is {value}; it must be {least} or more.")
        if value is not None and most is not None and value > most:
            raise ConfigError(f"{where} {option} is {value}; it must be {most} or less on this machine.")
