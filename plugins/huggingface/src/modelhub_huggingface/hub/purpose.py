"""What a model is for, as the hub, its front matter, or the class of its network tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import Unsupported
from modelhub_huggingface.hub.reading import text, texts, under
from modelhub_huggingface.tasks import task_named

__all__ = ["diffusers_class", "network_class", "task_of"]

_PIPELINES = (("inpaint", "inpainting"), ("fill", "inpainting"), ("upscale", "upscaling"), ("img2img", "image-to-image"))
"""Words in the names of pipelines that the hub lists as ``text-to-image``, for the most part."""
_ENDINGS = (
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("ForMaskedLM", "fill-mask"),
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForCTC", "automatic-speech-recognition"),
)


def task_of(model: str, info: Mapping[str, Any], front: Mapping[str, Any]) -> str | None:
    """In the hub's words; ``None`` where nothing tells. Raises ``Unsupported`` for what is of none of the six kinds."""
    pipeline = diffusers_class(info).lower()
    if pipeline and (found := next((task for word, task in _PIPELINES if word in pipeline), None)):
        return found
    told = text(info.get("pipeline_tag")) or text(front.get("pipeline_tag"))
    if told is None:
        return _guessed(info, bool(pipeline))
    if (task := task_named(told)) is None:
        message = f"{model} is for {told}, which none of the kinds of models here can be asked for."
        raise Unsupported(message, feature=told, model=model)
    return task


def network_class(info: Mapping[str, Any]) -> str:
    """``BartForConditionalGeneration``; empty where it is unknown."""
    return text(under(info, "config").get("architectures")) or ""


def diffusers_class(info: Mapping[str, Any]) -> str:
    """``StableDiffusionPipeline``; empty for what is no pipeline of diffusers."""
    told = text(under(info, "config", "diffusers").get("_class_name"))
    tagged = (tag.partition(":")[2] for tag in texts(info.get("tags")) if tag.startswith("diffusers:"))
    return told or next(tagged, "")


def _guessed(info: Mapping[str, Any], painter: bool) -> str | None:
    if painter:
        return "text-to-image"
    if text(info.get("library_name")) == "sentence-transformers":
        return "sentence-similarity"
    name = network_class(info)
    if (found := next((task for ending, task in _ENDINGS if name.endswith(ending)), None)) is not None:
        return found
    return "text-generation" if under(info, "gguf") else None
