"""How a file is loaded with its options: what is shared, what it needs, and what to do where that is not there."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import replace
from math import inf

from modelhub.plugin import ConfigError, Plan, bytes_of, shards
from modelhub_llama.engine import LlamaEngine, Purpose, load
from modelhub_llama.gguf.header import read
from modelhub_llama.gguf.memory import needs
from modelhub_llama.options import LlamaOptions

__all__ = ["plan"]


def plan(purpose: Purpose, path: str, name: str, options: LlamaOptions, window: int) -> Plan[LlamaEngine]:
    """How llama.cpp is loaded with a file; models whose plans have the same key share it. Raises ``ConfigError``."""
    _check(options, window)
    where = f"[providers.{options.provider}]"
    return Plan(
        key=_key(purpose, path, options, window),
        name=f"{options.provider}:{name}",
        load=lambda: load(path, purpose, options, window),
        places=options.parallel + options.queue,
        more_places=(
            f"It decodes {options.parallel} at once (parallel) and lets {options.queue} wait (queue): raise them in {where}, "
            "or ask again later."
        ),
        memory=_memory(path, replace(options, context_window=window)),
        less_memory=(
            f"Set a smaller context_window (it is {window}) or parallel (it is {options.parallel}) in {where}, a smaller "
            "cache_type_k and cache_type_v, or take a smaller quantisation of the model."
        ),
        memory_limit=None if options.memory_limit is None else bytes_of(options.memory_limit, f"{where} memory_limit"),
        max_loaded=options.max_loaded,
        keep_alive=None if options.keep_alive is False else options.keep_alive,
    )


def _key(purpose: Purpose, path: str, options: LlamaOptions, window: int) -> Hashable:
    """The file as it is now, and what it is loaded with; models that differ in what is sent alone share an engine."""
    state = os.stat(path)
    loaded = tuple(options.loaded().values())
    return (os.path.realpath(path), state.st_ino, state.st_mtime_ns, state.st_size, purpose, window, loaded)


def _memory(path: str, options: LlamaOptions) -> int:
    size = sum(os.path.getsize(file) for file in shards(path) if os.path.isfile(file))
    beside = [options.projector, *(adapter.file for adapter in options.adapters)]
    files = [options.file(file) for file in beside if file is not None]
    return needs(read(path), options, size).total + sum(os.path.getsize(file) for file in files if os.path.isfile(file))


def _check(options: LlamaOptions, window: int) -> None:
    """Raise for a number that llama.cpp would not refuse but die of, and the whole process with it."""
    where = f"[providers.{options.provider}]"
    for option, (lowest, highest) in _bounds(options).items():
        value = getattr(options, option)
        if value is not None and value < lowest:
            raise ConfigError(f"{where} {option} is {value}; it must be {lowest} or more{_why(option, options)}.")
        if value is not None and value > highest:
            raise ConfigError(f"{where} {option} is {value}; it must be {highest:.0f} or less{_why(option, options)}.")
    if window * options.parallel > _INT32:
        told = f"{where} context_window ({window}) times parallel ({options.parallel})"
        raise ConfigError(f"{told} is {window * options.parallel}; it must be {_INT32} or less.")


def _bounds(options: LlamaOptions) -> dict[str, tuple[float, float]]:
    """The least and the most of each option that is a number."""
    threads = min(max(64, 4 * (os.cpu_count() or 1)), _THREADS)
    return {
        "parallel": (1, _PARALLEL),
        "queue": (0, inf),
        "context_window": (1, _INT32),
        "threads": (1, threads),
        "threads_batch": (1, threads),
        "batch": (max(2, options.parallel), _INT32),
        "micro_batch": (1, _INT32),
        "gpu_layers": (-_INT32, _INT32),
        "max_loaded": (1, inf),
        "keep_alive": (0, inf),
    }


def _why(option: str, options: LlamaOptions) -> str:
    match option:
        case "batch" if options.parallel > 2:
            return f", for parallel is {options.parallel}: it holds a token of each request"
        case "threads" | "threads_batch":
            return f" on this machine, which has {os.cpu_count()} processors"
        case _:
            return ""


_INT32 = (1 << 31) - 1
_PARALLEL = 256
"""llama.cpp's ``LLAMA_MAX_SEQ``."""
_THREADS = 512
"""ggml's ``GGML_MAX_N_THREADS``."""
