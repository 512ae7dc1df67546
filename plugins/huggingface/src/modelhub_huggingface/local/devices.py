"""Where tensors are computed, and in which precision."""

from __future__ import annotations

from typing import Any

from modelhub.plugin import ConfigError, Notice, SetupError
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["device", "has_fast_bfloat16", "precision", "slow", "torch_of"]

_STORED = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def torch_of(options: HuggingFaceOptions) -> Any:
    """The library, with as many threads as the options say. Raises ``SetupError`` where it is not installed."""
    try:
        import torch
    except ImportError:
        message = 'The libraries that run models in this process are not installed: pip install "modelhub-huggingface[local]".'
        raise SetupError(message) from None
    if options.threads is not None and torch.get_num_threads() != options.threads:
        torch.set_num_threads(options.threads)
    return torch


def device(torch: Any, options: HuggingFaceOptions) -> Any:
    """The device of the options, else the first accelerator, else the processor. Raises ``ConfigError`` for no device."""
    if options.device is None:
        found: Any = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return torch.device("cpu") if found is None else found
    try:
        chosen = torch.device(options.device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        place = f"[providers.{options.provider}] device"
        why = str(error).partition("\n")[0]
        raise ConfigError(f"{place} is {options.device!r}, which this machine or this build of torch lacks: {why}") from error
    return chosen


def precision(torch: Any, options: HuggingFaceOptions, stored: str | None, chosen: Any) -> Any:
    """As the options say, else as the weights are stored; on a processor, half precision is computed as ``float32``."""
    name = options.dtype or _STORED.get(stored or "", "float32")
    if options.dtype is None and chosen.type == "cpu" and name == "float16":
        name = "float32"
    return getattr(torch, name)


def slow(network: Any) -> tuple[Notice, ...]:
    """What whoever has a processor compute in half precision should know: it takes many times as long."""
    if network.device.type != "cpu" or str(network.dtype) != "torch.float16":
        return ()
    return (Notice("dtype", "It was computed in float16 on a processor, which is slow: take bfloat16 or float32."),)


def has_fast_bfloat16(torch: Any, chosen: Any) -> bool:
    """Whether the device multiplies ``bfloat16`` in hardware; a processor that does not is slower with it."""
    if chosen.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return chosen.type == "cpu" and not _FAST.isdisjoint(_features(torch))


_FAST = {"avx512_bf16", "amx_bf16"}


def _features(torch: Any) -> set[str]:
    """What the processor can, in the words of Linux."""
    if hasattr(torch.cpu, "get_capabilities"):
        return {name for name, has in torch.cpu.get_capabilities().items() if has is True}
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return set(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()
