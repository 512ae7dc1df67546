"""What is known of models by name: one JSON file a kind in ``models/``, rows by the beginning of a base model's name.

A row's ``card`` holds fields of ``ModelCard``; ``like`` names a row above it whose values hold where it has none; whatever
else stands in it is for the endpoint of that kind to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelhub.plugin import Kind, ModelCard
from modelhub_openai.site import Site

__all__ = ["card", "kind", "traits"]

_FOLDER = Path(__file__).parent / "models"
_TASKS: Mapping[Kind, str] = {
    "text": "text-generation",
    "embedding": "feature-extraction",
    "image": "text-to-image",
    "speech": "text-to-speech",
    "transcription": "automatic-speech-recognition",
    "reranking": "text-ranking",
}
_LOCAL = ("localhost", "::1")


def card(site: Site, model: str, kind: Kind, **changes: Any) -> ModelCard:
    """The card of a model on that host: what its base model's row says, and ``changes`` over it."""
    base = site.base_model(model)
    fields = {**_place(site), **traits(kind, base).get("card", {}), **changes}
    fields.setdefault("task", _task(kind, base))
    if site.listed_prices:
        from modelhub_openai.prices import listed_price

        fields.setdefault("price", listed_price(base))
    if (settings := fields.get("settings")) is not None:
        fields["settings"] = frozenset(settings)
    return ModelCard(model=f"{site.provider}:{model}", kind=kind, **fields)


def traits(kind: Kind, base_model: str) -> Mapping[str, Any]:
    """The row with the longest name that the base model's begins with; empty where there is none.

    ``openai/gpt-4o`` and ``gpt-4o-2024-11-20`` are both ``gpt-4o``; ``gpt-4.5`` is no ``gpt-4``.
    """
    name = base_model.rpartition("/")[2].lower()
    rows = _rows(kind)
    found = max((known for known in rows if _begins(name, known)), key=len, default=None)
    return {} if found is None else rows[found]


def kind(base_model: str) -> Kind | None:
    """The kind whose rows name this model; where two do (``gpt-4o-mini-tts``), the one with the longer name."""
    name = base_model.rpartition("/")[2].lower()
    named = [(len(row), kind) for kind in _TASKS for row in _rows(kind) if row and _begins(name, row)]
    return max(named, key=lambda found: found[0])[1] if named else None


def _task(asked: Kind, base_model: str) -> str | None:
    """What a model was made for that is known to be of the kind it is asked as."""
    return _TASKS[asked] if kind(base_model) == asked else None


def _place(site: Site) -> dict[str, Any]:
    """Where what is sent goes. What runs behind an address of this machine may stand on it, or send it on."""
    host = urlsplit(site.get("models").url).hostname or ""
    return {"data": host or None, "local": None if host in _LOCAL or host.startswith("127.") else False}


def _begins(name: str, known: str) -> bool:
    follows = name[len(known) : len(known) + 1]
    return not known or (name.startswith(known) and not (follows.isalnum() or follows == "."))


@cache
def _rows(kind: Kind) -> Mapping[str, Mapping[str, Any]]:
    path = _FOLDER / f"{kind}.json"
    if not path.is_file():
        return {}
    rows: dict[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["models"]
    for name, row in rows.items():
        if "like" in row:
            rows[name] = _over(rows[row["like"]], row)
    return rows


def _over(like: Mapping[str, Any], row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row over the one that it is like, which stands before it: its capabilities one by one, all else as a whole."""
    below, above = like.get("card", {}), row.get("card", {})
    capabilities = {**below.get("capabilities", {}), **above.get("capabilities", {})}
    return {**like, **row, "card": {**below, **above, "capabilities": capabilities}}
