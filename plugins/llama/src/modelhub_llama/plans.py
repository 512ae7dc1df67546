"""How a file is loaded with its options: what is shared, what it needs, and what to do where that is not there."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import replace

from modelhub.plugin import ConfigError, Plan, bytes_of, shards
from modelhub_llama.engine import LlamaEngine, Purpose, load
from modelhub_llama.gguf.header import read
from modelhub_llama.gguf.memory import needs
from modelhub_llama.options import LlamaOptions, Prompts

__all__ = ["plan"]


def plan(purpose: Purpose, path: str, name: str, options: LlamaOptions, window: int) -> Plan[LlamaEngine]:
    """How llama.cpp is loaded with a file; models whose plans have the same key share it. Raises ``ConfigError``."""
    _check(options)
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
    """The file as it is now, and the options that it is loaded with."""
    state = os.stat(path)
    asked = replace(
        options, keep_alive=None, memory_limit=None, max_loaded=None, on_overflow="error", models=(), prompts=Prompts()
    )
    return (os.path.realpath(path), state.st_mtime_ns, state.st_size, purpose, window, repr(asked))


def _memory(path: str, options: LlamaOptions) -> int:
    size = sum(os.path.getsize(file) for file in shards(path) if os.path.isfile(file))
    beside = [options.projector, *(adapter.file for adapter in options.adapters)]
    files = [options.file(file) for file in beside if file is not None]
    return needs(read(path), options, size).total + sum(os.path.getsize(file) for file in files if os.path.isfile(file))


def _check(options: LlamaOptions) -> None:
    where = f"[providers.{options.provider}]"
    least = {"parallel": 1, "queue": 0, "context_window": 1, "max_loaded": 1, "threads": 1, "threads_batch": 1}
    for option, lowest in {**least, "batch": 1, "micro_batch": 1, "keep_alive": 0}.items():
        value = getattr(options, option)
        if value is not None and value < lowest:
            raise ConfigError(f"{where} {option} is {value}; it must be {lowest} or more.")
