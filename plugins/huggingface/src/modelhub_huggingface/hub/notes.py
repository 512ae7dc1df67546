"""What is to be said of a model beside what its card has fields for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from modelhub_huggingface.hub.reading import text
from modelhub_huggingface.hub.source import Told

__all__ = ["age", "notes", "terms"]

_DAY = 86_400


def notes(front: Mapping[str, Any], wrong: str | None) -> list[str]:
    """Where its own licence stands, what has come after it, and what is wrong with its README."""
    link, newer = text(front.get("license_link")), text(front.get("new_version"))
    told = [f"Its licence: {link}." if link and text(front.get("license_name")) else ""]
    told.append(f"A newer version is {newer}." if newer else "")
    told.append(f"Of its README only the text could be read: {wrong}." if wrong else "")
    return [words for words in told if words]


def terms(info: Mapping[str, Any], page: str) -> list[str]:
    """Where the terms of a gated model are accepted."""
    return [f"It is given to those who accept its terms: {page}."] if info.get("gated") else []


def age(told: Told) -> list[str]:
    """How old what was kept is, where the hub was not asked now, and why not."""
    if told.old is None:
        return []
    day = time.strftime("%Y-%m-%d", time.gmtime(told.kept.asked))
    days = max(0, int((time.time() - told.kept.asked) // _DAY))
    ago = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    return [f"(This is what the hub told {ago}, on {day}: {told.old}.)"]
