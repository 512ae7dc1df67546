"""What the README in a model's own folder says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub_huggingface.hub.front_matter import front_matter
from modelhub_huggingface.local.files import ModelFolder

__all__ = ["readme"]

_MOST = 1 << 20


def readme(folder: ModelFolder) -> tuple[Mapping[str, Any], str]:
    """Its front matter, without reported results, and its text; both empty where there is none that can be read."""
    try:
        with open(folder.file("README.md"), encoding="utf-8", errors="replace") as file:
            read = front_matter(file.read(_MOST), results=False)
    except OSError:
        return {}, ""
    return read.said, read.text
