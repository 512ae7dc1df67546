"""How a network is built and what it was made from, as its files tell."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from modelhub.plugin import Family, Kind
from modelhub_llama.gguf.header import Header

__all__ = ["base_models", "family", "task"]

_ENCODERS = re.compile(r"bert|t5encoder|-embed")
_BOTH = re.compile(r"t5|bart")
_NEITHER = re.compile(r"mamba|rwkv|jamba|plamo2|dream|llada|rnd1|wavtokenizer")
"""State spaces, diffusion of text, and what speaks: no half of a transformer names them."""
_TASKS: dict[Kind, str] = {"text": "text-generation", "embedding": "feature-extraction", "reranking": "text-ranking"}


def family(architecture: str | None) -> Family | None:
    """Which half of the transformer an architecture of llama.cpp has: a decoder, unless its name is of the few others."""
    if architecture is None or _NEITHER.search(architecture):
        return None
    if _ENCODERS.search(architecture):
        return "encoder"
    return "encoder-decoder" if _BOTH.fullmatch(architecture) else "decoder"


def task(kind: Kind, architecture: str | None) -> str | None:
    """What a model of that kind was made for."""
    return "text2text-generation" if kind == "text" and family(architecture) == "encoder-decoder" else _TASKS.get(kind)


def base_models(header: Header) -> tuple[str, ...]:
    """What it was trained from: by its place on its hub, else by its name."""
    count = min(header.number("general.base_model.count") or 0, 16)
    found = (_base(header, f"general.base_model.{number}") for number in range(count))
    return tuple(name for name in found if name)


def _base(header: Header, key: str) -> str | None:
    place = urlsplit(header.text(f"{key}.repo_url") or "").path.strip("/")
    return place or header.text(f"{key}.name")
