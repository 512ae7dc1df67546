"""What the hub's tasks are among the six kinds: one table from ``pipeline_tag`` to kind, inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from modelhub.plugin import Kind

__all__ = ["TASKS", "Task", "kind_of", "task_named"]


@dataclass(frozen=True, slots=True)
class Task:
    """As what a model for it can be asked, first the kind that its card has; what it takes, and what it gives."""

    kinds: tuple[Kind, ...]
    inputs: tuple[str, ...] = ("text",)
    outputs: tuple[str, ...] = ("text",)

    @property
    def kind(self) -> Kind:
        """The kind that a model for this task is, first of all."""
        return self.kinds[0]


TASKS: Mapping[str, Task] = {
    "text-generation": Task(("text",)),
    "text2text-generation": Task(("text",)),
    "summarization": Task(("text",)),
    "translation": Task(("text",)),
    "fill-mask": Task(("text",)),
    "text-classification": Task(("text",)),
    "token-classification": Task(("text",)),
    "question-answering": Task(("text",)),
    "table-question-answering": Task(("text",)),
    "zero-shot-classification": Task(("text", "reranking")),
    "image-text-to-text": Task(("text",), ("text", "image")),
    "image-to-text": Task(("text",), ("image",)),
    "visual-question-answering": Task(("text",), ("text", "image")),
    "document-question-answering": Task(("text",), ("text", "image")),
    "audio-text-to-text": Task(("text",), ("text", "audio")),
    "video-text-to-text": Task(("text",), ("text", "video")),
    "any-to-any": Task(("text",), ("text", "image", "audio")),
    "feature-extraction": Task(("embedding",), outputs=("vector",)),
    "sentence-similarity": Task(("embedding", "reranking"), outputs=("vector",)),
    "text-ranking": Task(("reranking",), outputs=("order",)),
    "text-to-image": Task(("image",), outputs=("image",)),
    "image-to-image": Task(("image",), ("text", "image"), ("image",)),
    "image-text-to-image": Task(("image",), ("text", "image"), ("image",)),
    "inpainting": Task(("image",), ("text", "image"), ("image",)),
    "upscaling": Task(("image",), ("text", "image"), ("image",)),
    "text-to-speech": Task(("speech",), outputs=("audio",)),
    "text-to-audio": Task(("speech",), outputs=("audio",)),
    "automatic-speech-recognition": Task(("transcription",), ("audio",)),
}
"""The hub has no ``inpainting`` and no ``upscaling``: there they are ``image-to-image``, or what a model's files say."""

_OTHER_NAMES = {
    "conversational": "text-generation",
    "sentiment-analysis": "text-classification",
    "ner": "token-classification",
    "cross-encoder": "text-ranking",
    "image-inpainting": "inpainting",
    "image-upscaling": "upscaling",
}
_OF_LANGUAGES = re.compile(r"translation_\w+_to_\w+")


def task_named(name: str | None) -> str | None:
    """The task of that name, also by an older one (``sentiment-analysis``, ``translation_en_to_fr``); ``None`` for others."""
    if name is None:
        return None
    word = _OTHER_NAMES.get(name, "translation" if _OF_LANGUAGES.fullmatch(name) else name)
    return word if word in TASKS else None


def kind_of(task: str | None) -> Kind | None:
    """The kind of a model for that task; ``None`` where no kind has it, or nothing is known."""
    named = task_named(task)
    return TASKS[named].kind if named else None
