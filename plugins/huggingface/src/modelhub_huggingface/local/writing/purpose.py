"""What a model of several tasks is told for one of them: the words before a text, and how it writes then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["Purpose", "purpose"]


@dataclass(frozen=True, slots=True)
class Purpose:
    """``prefix`` goes before the text, ``settings`` before what comes with the model otherwise."""

    prefix: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def purpose(folder: ModelFolder, options: HuggingFaceOptions) -> Purpose:
    """For the task of the options: what ``config.json`` holds for it (``task_specific_params``), also by its bare name where
    only one kind of it is there: ``translation`` for ``translation_en_to_fr``.
    """
    told = folder.config.get("task_specific_params")
    if options.task is None or not isinstance(told, Mapping):
        return Purpose()
    names = [name for name in told if name == options.task] or [name for name in told if name.startswith(f"{options.task}_")]
    if len(names) != 1 or not isinstance(found := told[names[0]], Mapping):
        return Purpose()
    return Purpose(str(found.get("prefix") or ""), {name: value for name, value in found.items() if name != "prefix"})
