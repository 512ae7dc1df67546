"""The capabilities that requests of each kind may need, so that a card can deny what a provider does not name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelhub.plugin import Kind

__all__ = ["capabilities"]

_ASKED: Mapping[Kind, Sequence[str]] = {
    "text": ("tools", "images", "audio", "files", "structured_output", "passages"),
    "image": ("generate", "edit", "variation", "mask", "upscale"),
    "transcription": ("segment_timestamps", "word_timestamps", "translate"),
}


def capabilities(kind: Kind, had: Sequence[str]) -> Mapping[str, bool]:
    """Each capability of the kind, and whether it is among those that are had."""
    return {name: name in had for name in _ASKED.get(kind, ())}
