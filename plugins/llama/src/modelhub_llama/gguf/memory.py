"""What a model needs to run, in bytes: its weights, the cache of its context window, and room to compute.

After llama.cpp's own accounts (``llama-kv-cache.cpp``, ``llama-memory-recurrent.cpp``, the compute buffer that
``llama-context.cpp`` reserves for a worst batch), rounded upwards:

    weights   what the files take
    cache     for each layer: window * parallel * heads_kv * (key_length * k + value_length * v)
              k and v: bytes of a number in the cache's type; a layer with a state in place of a cache keeps that
    compute   micro_batch * 4 * (vocabulary + 3 * feed_forward + 6 * width + window * parallel)
    base      32 MiB for the engine itself

A sliding window makes the cache smaller than this, which is left out: the number may be too high, and should not be too low.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelhub_llama.gguf.header import Header
from modelhub_llama.options import LlamaOptions

__all__ = ["DEFAULT_WINDOW", "Need", "needs", "window"]

DEFAULT_WINDOW = 4096
_BASE = 32 << 20
_MICRO_BATCH = 512
_CACHE_BYTES = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes, by what they are for."""

    weights: int
    cache: int
    compute: int
    base: int = _BASE

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.compute + self.base


def window(header: Header, options: LlamaOptions) -> int:
    """Tokens of one request: as configured, left out 4,096, and never more than the model was trained for."""
    wanted = options.context_window or DEFAULT_WINDOW
    return min(wanted, header.context_length or wanted)


def needs(header: Header, options: LlamaOptions, weights: int | None = None) -> Need:
    """What the model takes with these options. ``weights``: bytes of all its files, where it has several."""
    tokens = -(-window(header, options) * options.parallel // 256) * 256  # the engine rounds so
    width = _number(header, "embedding_length")
    batch = min(options.micro_batch or _MICRO_BATCH, tokens)
    inner = 3 * max(_numbers(header, "feed_forward_length", 1))
    compute = 4 * batch * ((header.vocabulary or 0) + inner + 6 * width + tokens)
    return Need(header.file_bytes if weights is None else weights, _cache(header, options, tokens, width), compute)


def _cache(header: Header, options: LlamaOptions, tokens: int, width: int) -> int:
    layers = _number(header, "block_count")
    if layers > 4096:  # no model has so many
        return 0
    heads = _numbers(header, "attention.head_count", layers)
    shared = _numbers(header, "attention.head_count_kv", layers) if header.own("attention.head_count_kv") is not None else heads
    key, value = _lengths(header, width, max(heads, default=0))
    one = key * _CACHE_BYTES[options.cache_type_k] + value * _CACHE_BYTES[options.cache_type_v]
    if rank := _number(header, "attention.kv_lora_rank"):  # DeepSeek's latent attention keeps one compressed row
        one = (rank + _number(header, "rope.dimension_count")) * _CACHE_BYTES[options.cache_type_k]
        shared = [1] * layers
    attending = [count for count in shared if count]
    states = layers - len(attending) or _all_states(header, layers)
    return int(tokens * one * sum(attending)) + options.parallel * states * _state(header)


def _all_states(header: Header, layers: int) -> int:
    """Layers with a state, where the file does not say which: all of them, in doubt."""
    return layers if _number(header, "ssm.state_size") else 0


def _state(header: Header) -> int:
    """Bytes of a layer's state, for each request that is decoded (Mamba and its kin), kept in f32."""
    inner = _number(header, "ssm.inner_size")
    groups = 2 * _number(header, "ssm.group_count") * _number(header, "ssm.state_size")
    convolution = max(0, _number(header, "ssm.conv_kernel") - 1) * (inner + groups)
    return 4 * (inner * _number(header, "ssm.state_size") + convolution)


def _lengths(header: Header, width: int, heads: int) -> tuple[int, int]:
    each = width // heads if heads else 0
    return _number(header, "attention.key_length") or each, _number(header, "attention.value_length") or each


def _number(header: Header, key: str) -> int:
    return max(_numbers(header, key, 1), default=0)


def _numbers(header: Header, key: str, count: int) -> list[int]:
    """A value for each layer: some models have one for all, some a list."""
    value = header.own(key)
    given = list(value[:count]) if type(value) is tuple else [value] * count
    sound = [item if isinstance(item, int) and 0 <= item < 1 << 31 else 0 for item in given]
    return sound or [0]
