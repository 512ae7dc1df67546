"""The models of each kind, wherever they run: one table from place and kind to what makes the model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from modelhub.plugin import (
    EmbeddingModel,
    ImageModel,
    Kind,
    RerankingModel,
    SpeechModel,
    TextModel,
    TranscriptionModel,
)
from modelhub_huggingface.counted import counted
from modelhub_huggingface.options import HuggingFaceOptions, Place

__all__ = ["embedding", "image", "reranking", "speech", "text", "transcription"]

_HOMES: dict[tuple[Place, Kind], str] = {
    ("router", "text"): "router.text",
    ("router", "embedding"): "router.embedding",
    ("router", "image"): "router.image",
    ("router", "speech"): "router.speech",
    ("router", "transcription"): "router.transcription",
    ("router", "reranking"): "router.reranking",
    ("endpoint", "text"): "endpoints.text",
    ("endpoint", "embedding"): "endpoints.embedding",
    ("endpoint", "image"): "endpoints.image",
    ("endpoint", "speech"): "endpoints.speech",
    ("endpoint", "transcription"): "endpoints.transcription",
    ("endpoint", "reranking"): "endpoints.reranking",
    ("local", "text"): "local.text",
    ("local", "embedding"): "local.embedding",
    ("local", "image"): "local.image",
    ("local", "speech"): "local.speech",
    ("local", "transcription"): "local.transcription",
    ("local", "reranking"): "local.reranking",
}
"""Each is a module with a function ``model(name, options)``."""


def text(name: str, options: HuggingFaceOptions | None) -> TextModel:
    """A model that writes, or that puts a text in a class, fills its gaps, makes it shorter or translates it."""
    model: TextModel = _model("text", name, options)
    return model


def embedding(name: str, options: HuggingFaceOptions | None) -> EmbeddingModel:
    """A model that makes vectors."""
    model: EmbeddingModel = _model("embedding", name, options)
    return model


def image(name: str, options: HuggingFaceOptions | None) -> ImageModel:
    """A model that paints."""
    model: ImageModel = _model("image", name, options)
    return model


def speech(name: str, options: HuggingFaceOptions | None) -> SpeechModel:
    """A model that speaks."""
    model: SpeechModel = _model("speech", name, options)
    return model


def transcription(name: str, options: HuggingFaceOptions | None) -> TranscriptionModel:
    """A model that writes down what it hears."""
    model: TranscriptionModel = _model("transcription", name, options)
    return model


def reranking(name: str, options: HuggingFaceOptions | None) -> RerankingModel:
    """A model that puts documents, or labels, in order."""
    model: RerankingModel = _model("reranking", name, options)
    return model


def _model(kind: Kind, name: str, options: HuggingFaceOptions | None) -> Any:
    options = options or HuggingFaceOptions()
    place = options.place(name)
    home = import_module(f"modelhub_huggingface.{_HOMES[place, kind]}")
    return home.model(name, options) if place == "local" else counted(home.model(name, options), kind, name, options)
