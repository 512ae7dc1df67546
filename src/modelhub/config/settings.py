"""The settings of a call that an alias may give beforehand: ``[models.NAME.settings]``, by kind of model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelhub.config.positions import Path
from modelhub.config.reader import FindOrigin, read_fields

if TYPE_CHECKING:
    from modelhub.model import Kind

__all__ = ["read_settings"]

_CALLS: Mapping[Kind, tuple[str, str, frozenset[str]]] = {
    "text": ("modelhub.interfaces.text", "TextSettings", frozenset()),
    "embedding": ("modelhub.interfaces.embedding", "EmbeddingRequest", frozenset({"inputs"})),
    "image": ("modelhub.interfaces.image", "ImageRequest", frozenset({"operation", "prompt", "images", "mask", "scale"})),
    "speech": ("modelhub.interfaces.speech", "SpeechRequest", frozenset({"text"})),
    "transcription": ("modelhub.interfaces.transcription", "TranscriptionRequest", frozenset({"audio"})),
    "reranking": ("modelhub.interfaces.reranking", "RerankingRequest", frozenset({"query", "documents"})),
}
"""The dataclass whose fields are the settings of a kind, and those of its fields that are the call's own content."""

_EVERY_CALL = frozenset({"timeouts", "extra"})


def read_settings(kind: Kind, table: Mapping[str, Any], *, origin: FindOrigin | None, where: Path) -> Mapping[str, Any]:
    """The settings in ``table``, checked against what models of ``kind`` take. Raises ``ConfigError``."""
    from importlib import import_module

    module, name, content = _CALLS[kind]
    cls = getattr(import_module(module), name)
    return read_fields(cls, table, without=content | _EVERY_CALL, origin=origin, where=where)
