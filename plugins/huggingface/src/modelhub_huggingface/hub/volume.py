"""How much a model's weights are, as the hub tells without giving them: parameters, bytes, and the memory that they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelhub_huggingface.hub.reading import count, text, under
from modelhub_huggingface.local.plans import memory
from modelhub_huggingface.local.weights import Weights
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Volume", "volume"]

_BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1,
    "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "BOOL": 1,
}  # fmt: skip
"""Of one number, by the names of safetensors."""


@dataclass(frozen=True, slots=True)
class Volume:
    """``stored`` is how most of the numbers are kept: ``BF16``, or the way in which they were made smaller: ``awq``."""

    parameters: int | None = None
    bytes: int | None = None
    memory: int | None = None
    stored: str | None = None
    quantized: bool = False


def volume(info: Mapping[str, Any], config: Mapping[str, Any], options: HuggingFaceOptions) -> Volume:
    """As ``safetensors``, or else ``gguf``, has it in what the hub tells of a model."""
    method = text(under(config, "quantization_config").get("quant_method"))
    counts = {name: number for name, value in under(info, "safetensors", "parameters").items() if (number := count(value))}
    if not counts:
        parameters = count(under(info, "safetensors").get("total")) or count(under(info, "gguf").get("total"))
        return Volume(parameters or None, stored=method, quantized=bool(method))
    parameters = count(under(info, "safetensors").get("total")) or sum(counts.values())
    size = sum(_BYTES[name] * number for name, number in counts.items()) if counts.keys() <= _BYTES.keys() else None
    stored = max(counts, key=counts.__getitem__)
    needed = None if size is None else memory(Weights((), None if method else parameters, size, stored), options)
    return Volume(parameters, size, needed, method or stored, bool(method))
