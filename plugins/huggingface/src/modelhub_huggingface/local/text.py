"""Text in this process: written by decoders and encoder-decoders; read, judged and completed by encoders."""

from __future__ import annotations

from importlib import import_module

from modelhub.plugin import TextModel, Unsupported
from modelhub_huggingface.local.architecture import task
from modelhub_huggingface.local.files import find
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import kind_of, task_named

__all__ = ["model"]

_HOMES = {
    "text-generation": "writing.loading",
    "text2text-generation": "writing.loading",
    "summarization": "writing.loading",
    "translation": "writing.loading",
    "fill-mask": "encoders.gaps",
    "text-classification": "encoders.classes",
    "zero-shot-classification": "encoders.entailment",
    "question-answering": "encoders.answers",
}
"""Each is a module with a function ``model(name, folder, options)``."""


def model(name: str, options: HuggingFaceOptions) -> TextModel:
    """The model of that name. Raises ``UnknownModel`` or ``SetupError``, and ``Unsupported`` for one that is not for text."""
    folder = find(name, options)
    purpose = task_named(task(folder, options))
    if purpose not in _HOMES:
        kind = kind_of(purpose)
        instead = f": ask hub.{kind}(...)" if kind and kind != "text" else ""
        message = (
            f"{options.provider}:{name} is for {purpose or task(folder, options)}, which no text model here does{instead}."
        )
        raise Unsupported(message, feature="text", model=f"{options.provider}:{name}")
    made: TextModel = import_module(f"modelhub_huggingface.local.{_HOMES[purpose]}").model(name, folder, options)
    return made
