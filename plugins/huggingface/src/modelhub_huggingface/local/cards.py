"""What the files of a model say of it, as a card: without loading a weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import Kind, ModelCard
from modelhub_huggingface.local.architecture import architecture, before_first, family, task
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.plans import memory
from modelhub_huggingface.local.weights import weights
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["card", "trained_window", "window"]

_WINDOWS = ("max_position_embeddings", "n_positions", "n_ctx", "max_target_positions", "seq_length", "max_source_positions")


def card(name: str, kind: Kind, folder: ModelFolder, options: HuggingFaceOptions, **known: Any) -> ModelCard:
    """The card of a model on this machine. ``known`` is what else is known of it, over what the files say."""
    found = weights(folder)
    told: Mapping[str, Any] = {
        "context_window": window(folder, options) if kind == "text" else None,
        "local": True,
        "open_weights": True,
        "fine_tunable": True,
        "data": "this machine",
        "task": task(folder, options),
        "family": family(folder),
        "architecture": folder.config.get("model_type") or architecture(folder),
        "library": "diffusers" if folder.pipeline else "transformers",
        "parameters": found.parameters,
        "quantization": found.stored,
        "file": folder.path,
        "file_bytes": found.bytes,
        "memory_bytes": memory(found, options),
        "revision": folder.revision,
    }
    return ModelCard(model=f"{options.provider}:{name}", kind=kind, **{**told, **known})


def window(folder: ModelFolder, options: HuggingFaceOptions) -> int | None:
    """Tokens of one request: what the model was trained for, or less where the options say so; ``None``: no limit is known."""
    trained = trained_window(folder)
    if trained is None or options.context_window is None:
        return trained or options.context_window
    return min(trained, options.context_window)


def trained_window(folder: ModelFolder) -> int | None:
    """Tokens of one request that the model was trained for, where its files say so."""
    config = folder.config
    trained = next((found for name in _WINDOWS if type(found := config.get(name)) is int and found > 0), None)
    return trained and trained - before_first(config)
