"""The tasks that models are made for, in the words of model hubs, and the kinds that serve each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelhub.errors import InvalidRequest, did_you_mean
from modelhub.model import Kind, ModelCard

__all__ = ["TASKS", "does", "task_like"]

TASKS: Mapping[str, tuple[Kind, ...]] = {
    "any-to-any": ("text",),
    "audio-text-to-text": ("text",),
    "automatic-speech-recognition": ("transcription",),
    "document-question-answering": ("text",),
    "feature-extraction": ("embedding",),
    "fill-mask": ("text",),
    "image-text-to-image": ("image",),
    "image-text-to-text": ("text",),
    "image-to-image": ("image",),
    "image-to-text": ("text",),
    "inpainting": ("image",),
    "question-answering": ("text",),
    "sentence-similarity": ("embedding", "reranking"),
    "summarization": ("text",),
    "table-question-answering": ("text",),
    "text-classification": ("text",),
    "text-generation": ("text",),
    "text-ranking": ("reranking",),
    "text-to-audio": ("speech",),
    "text-to-image": ("image",),
    "text-to-speech": ("speech",),
    "text2text-generation": ("text",),
    "token-classification": ("text",),
    "translation": ("text",),
    "upscaling": ("image",),
    "video-text-to-text": ("text",),
    "visual-question-answering": ("text",),
    "zero-shot-classification": ("text", "reranking"),
    **dict.fromkeys(
        (
            "audio-classification",
            "audio-to-audio",
            "depth-estimation",
            "graph-ml",
            "image-classification",
            "image-feature-extraction",
            "image-segmentation",
            "image-to-3d",
            "image-to-video",
            "keypoint-detection",
            "mask-generation",
            "object-detection",
            "reinforcement-learning",
            "robotics",
            "tabular-classification",
            "tabular-regression",
            "text-to-3d",
            "text-to-video",
            "time-series-forecasting",
            "unconditional-image-generation",
            "video-classification",
            "visual-document-retrieval",
            "voice-activity-detection",
            "zero-shot-image-classification",
            "zero-shot-object-detection",
        ),
        (),
    ),
}
"""Those of hubs, and the kinds as which a model for one is asked; for some there is none."""

_ANYWAY: Mapping[Kind, str] = {
    "embedding": "feature-extraction",
    "speech": "text-to-speech",
    "transcription": "automatic-speech-recognition",
    "reranking": "text-ranking",
}
"""What every model of a kind does, whatever else it was made for."""
_ABLE: Mapping[str, str] = {
    "text-to-image": "generate",
    "image-to-image": "edit",
    "inpainting": "mask",
    "upscaling": "upscale",
}
"""What an image model does by its capabilities, whatever it was made for."""
_WRITTEN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def task_like(task: str) -> str:
    """The task, if it is a known one or written like one. Raises ``InvalidRequest`` with the task that may be meant."""
    if task in TASKS:
        return task
    if not _WRITTEN.fullmatch(task):
        hint = did_you_mean("-".join(re.split(r"[\s_-]+", task.strip().lower())), tuple(TASKS))
        raise InvalidRequest(f"{task!r} is not written like a task: 'text-generation'.{hint}")
    if near := _misspelt(task):
        raise InvalidRequest(f"There is no task {task!r}. Did you mean {near!r}?")
    return task


def does(card: ModelCard, task: str) -> bool | None:
    """Whether the model does the task; ``None`` where its card does not say."""
    if task in (card.task, _ANYWAY.get(card.kind)):
        return True
    if card.kind == "image" and (able := card.supports(_ABLE.get(task, ""))) is not None:
        return able
    return None if card.task is None and card.kind in TASKS.get(task, (card.kind,)) else False


def _misspelt(task: str) -> str | None:
    """A known task of nearly the same letters: a task that is new is further from all of them."""
    import difflib

    return next(iter(difflib.get_close_matches(task, TASKS, n=1, cutoff=0.9)), None)
