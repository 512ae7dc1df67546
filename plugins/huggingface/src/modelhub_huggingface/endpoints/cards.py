"""What is known of a model behind an endpoint before it is asked: what it runs on, and where what is sent to it goes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from modelhub.plugin import Kind, ModelCard
from modelhub_huggingface.endpoints.server import Server

__all__ = ["card", "data_of", "known"]

_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")


def card(server: Server, name: str, kind: Kind, **fields: Any) -> ModelCard:
    """The card of a model there, with these fields."""
    return ModelCard(model=f"{server.provider}:{name}", kind=kind, **{**known(server, name), **fields})


def known(server: Server, name: str) -> dict[str, Any]:
    """The fields of every card of this server."""
    return {
        "local": server.is_here,
        "open_weights": True,
        "fine_tunable": True,
        "data": data_of(server),
        "url": f"https://huggingface.co/{name}" if _ON_THE_HUB.fullmatch(name) else None,
    }


def data_of(server: Server) -> str:
    """Where what is sent there goes."""
    return "this machine" if server.is_here else urlsplit(server.root).hostname or server.root
