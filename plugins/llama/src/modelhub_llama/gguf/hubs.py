"""The hubs that GGUF files are fetched from, and where the caller's token for each is."""

from __future__ import annotations

import os

__all__ = ["hubs"]

_HUGGING_FACE = ("https://huggingface.co", "https://hf.co")


def hubs() -> dict[str, str]:
    """Address and variable of each: Hugging Face's, and the mirror that ``HF_ENDPOINT`` names as its own client does."""
    mirror = os.environ.get("HF_ENDPOINT", "").strip()
    return dict.fromkeys((*_HUGGING_FACE, mirror) if mirror else _HUGGING_FACE, "HF_TOKEN")
