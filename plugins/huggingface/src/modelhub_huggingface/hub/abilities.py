"""What a model can be asked beside its task, and which settings it heeds, as far as the hub tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import Kind
from modelhub_huggingface.hub.reading import under
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.tasks import TASKS

__all__ = ["abilities"]


def abilities(task: str | None, kind: Kind, info: Mapping[str, Any], router: HuggingFaceOptions | None) -> dict[str, Any]:
    """``capabilities``, and ``settings`` where they are known, as fields of a card.

    ``router`` has the options of a model that is asked at the router: one for a classic task of texts heeds less there than
    one that chats.
    """
    from modelhub_huggingface.pipelines.text import TASKS as CLASSIC
    from modelhub_huggingface.pipelines.text import text_card, text_task

    told = _capabilities(task, kind, info)
    if router is None or task not in CLASSIC or task == "text-generation":
        return {"capabilities": told}
    from modelhub_huggingface.router.providers import honoured

    asked = text_card(task, text_task(task, specified=True))
    settings = asked["settings"] & honoured(task, router.inference_provider)
    return {"capabilities": {**told, **asked["capabilities"]}, "settings": settings}


def _capabilities(task: str | None, kind: Kind, info: Mapping[str, Any]) -> dict[str, bool]:
    """Of a model that writes: what it takes beside text; where its template speaks of tools, it was taught to call them."""
    if kind != "text" or task is None:
        return {}
    able = {"images": "image" in TASKS[task].inputs, "audio": "audio" in TASKS[task].inputs}
    template = _template(info)
    return able if template is None else {**able, "chat": True, **({"tools": True} if "tools" in template else {})}


def _template(info: Mapping[str, Any]) -> str | None:
    told = under(info, "config", "tokenizer_config").get("chat_template", under(info, "gguf").get("chat_template"))
    return str(told) if told else None
