"""The settings of a call that an alias may give beforehand: ``[models.NAME.settings]``, by kind of model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelhub.config.positions import Path
from modelhub.config.reader import FindOrigin, read_fields, setting_error

if TYPE_CHECKING:
    from modelhub.model import Kind

__all__ = ["NAMES", "class_of", "read_settings"]

_CALLS: Mapping[Kind, tuple[str, str, frozenset[str]]] = {
    "text": ("modelhub.interfaces.text", "TextSettings", frozenset()),
    "embedding": ("modelhub.interfaces.embedding", "EmbeddingRequest", frozenset({"inputs"})),
    "image": ("modelhub.interfaces.image", "ImageRequest", frozenset({"operation", "prompt", "images", "mask", "scale"})),
    "speech": ("modelhub.interfaces.speech", "SpeechRequest", frozenset({"text"})),
    "transcription": ("modelhub.interfaces.transcription", "TranscriptionRequest", frozenset({"audio"})),
    "reranking": ("modelhub.interfaces.reranking", "RerankingRequest", frozenset({"query", "documents"})),
}
"""The dataclass whose fields are the settings of a kind, and those of its fields that are the call's own content."""

_ALONE: frozenset[Kind] = frozenset({"text", "image"})
"""Those whose dataclass can be made of settings alone, so that what it refuses is told before a call."""

_EVERY_CALL = frozenset({"timeouts", "retries", "extra"})

NAMES = frozenset(
    [
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "reasoning_effort",
        "parallel_tool_calls",
        "purpose",
        "dimensions",
        "on_empty",
        "on_long",
        "size",
        "count",
        "quality",
        "style",
        "background",
        "output_format",
        "negative_prompt",
        "strength",
        "voice",
        "language",
        "speed",
        "instructions",
        "prompt",
        "phrases",
        "timestamps",
        "translate",
        "top_n",
    ]
)
"""The settings of all kinds: written out, so that a file is checked without importing every kind."""


def class_of(kind: Kind) -> tuple[type[Any], frozenset[str]]:
    """The dataclass whose fields are the settings of a kind, and those of its fields that are none."""
    from importlib import import_module

    module, name, content = _CALLS[kind]
    return getattr(import_module(module), name), content | _EVERY_CALL


def read_settings(kind: Kind, table: Mapping[str, Any], *, origin: FindOrigin | None, where: Path) -> Mapping[str, Any]:
    """The settings in ``table``, checked against what models of ``kind`` take. Raises ``ConfigError``."""
    cls, without = class_of(kind)
    found = read_fields(cls, table, without=without, origin=origin, where=where)
    if kind in _ALONE:
        for key, value in found.items():
            try:
                cls(**{key: value})
            except ValueError as error:
                raise setting_error(origin, (*where, key), str(error)) from None
    return found
