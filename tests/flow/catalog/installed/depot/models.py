"""The depot's models and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelhub.plugin import Kind, ModelCard, Secret, UnknownModel


@dataclass(frozen=True)
class Options:
    provider: str = "depot"
    url: str = ""
    shelf: str = ""
    """A folder of files on this machine."""
    key: Secret | None = None


@dataclass(frozen=True)
class Named:
    """It has a card, and answers nothing here."""

    card: ModelCard


def text(name: str, options: Options | None) -> Named:
    return _model("text", name, options)


def embedding(name: str, options: Options | None) -> Named:
    return _model("embedding", name, options)


def _model(kind: Kind, name: str, options: Options | None) -> Named:
    provider = options.provider if options else "grumpy"
    if name.endswith("gone"):
        raise UnknownModel(f"There is no {provider}:{name}.", provider=provider, model=name)
    more: dict[str, Any] = {"settings": frozenset({"temperature"})} if kind == "text" else {"dimensions": 384}
    return Named(ModelCard(model=f"{provider}:{name}", kind=kind, **more))
