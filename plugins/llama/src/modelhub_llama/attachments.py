"""What is laid over a model, or put before it: LoRA adapters, and the projector that makes pictures into tokens."""

from __future__ import annotations

import os
from typing import Any

from modelhub.plugin import SetupError
from modelhub_llama.gguf.header import Header, read
from modelhub_llama.options import LlamaOptions

__all__ = ["attach"]


def attach(llama: Any, parameters: Any, options: LlamaOptions) -> None:
    """Set the files that the options name. Raises ``SetupError`` or ``GgufError`` for one that is missing, or another thing."""
    for adapter in options.adapters:
        path = _checked(options.file(adapter.file), "adapters", "adapter", "a LoRA adapter")
        parameters.lora_adapters = [*parameters.lora_adapters, _lora(llama, path, adapter.scale)]
    if options.projector is not None:
        parameters.mmproj.path = _checked(options.file(options.projector), "projector", "mmproj", "a projector")


def _lora(llama: Any, path: str, scale: float) -> Any:
    laid = llama.CommonAdapterLoraInfo()
    laid.path, laid.scale = path, scale
    return laid


def _checked(path: str, option: str, role: str, what: str) -> str:
    """The path of a file that plays this role."""
    if not os.path.isfile(path):
        raise SetupError(f"There is no file {path}, which `{option}` names.")
    found = _role(read(path))
    if found != role:
        raise SetupError(f"{path} is a GGUF file of the type {found!r}: `{option}` wants {what} ({role!r}).")
    return path


def _role(header: Header) -> str:
    """What a file is for; projectors of former years do not say it."""
    return header.text("general.type") or ("mmproj" if header.architecture == "clip" else "model")
