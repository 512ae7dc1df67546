"""Speech models at the router: spoken by whoever serves them."""

from __future__ import annotations

from modelhub.plugin import SpeechModel
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.place import known_task, place
from modelhub_huggingface.router.providers import honoured
from modelhub_huggingface.router.routed import Routed

__all__ = ["model"]

_TASK = "text-to-speech"


def model(name: str, options: HuggingFaceOptions) -> SpeechModel:
    """The model of that name."""
    where = place(name, options)
    task = known_task("speech", where)
    tasks = ("text-to-audio", _TASK) if task == "text-to-audio" else (_TASK, "text-to-audio")
    card = where.card("speech", task=task, settings=honoured(_TASK, where.wanted))
    return Routed(card, where, lambda _: tasks)
