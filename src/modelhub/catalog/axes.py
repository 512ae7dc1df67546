"""The axes on which models are compared, read off a card: where it does not say, what its kind and capabilities say."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from modelhub.model import Kind, ModelCard

__all__ = ["context", "data", "gives", "has_context", "inputs", "open_weights", "outputs", "price", "takes"]

_TAKES: Mapping[Kind, tuple[str, ...]] = {
    "text": ("text",),
    "embedding": ("text",),
    "image": ("text",),
    "speech": ("text",),
    "transcription": ("audio",),
    "reranking": ("text",),
}
_GIVES: Mapping[Kind, str] = {
    "text": "text",
    "embedding": "vector",
    "image": "image",
    "speech": "audio",
    "transcription": "text",
    "reranking": "order",
}
_IF: Mapping[tuple[Kind, str], tuple[str, ...]] = {
    ("text", "image"): ("images",),
    ("text", "audio"): ("audio",),
    ("text", "file"): ("files",),
    ("image", "image"): ("edit", "variation", "upscale"),
}
"""What a model of a kind may take beside, and the capabilities of which one says so."""
HERE = "this machine"


def takes(card: ModelCard, what: str) -> bool | None:
    """Whether the model takes ``text``, ``image``, ``audio``, ``file``; ``None`` for unknown."""
    if card.inputs:
        return what in card.inputs
    if what in _TAKES[card.kind]:
        return True
    able = [card.supports(name) for name in _IF.get((card.kind, what), ())]
    return True if True in able else None if None in able else False


def gives(card: ModelCard, what: str) -> bool:
    """Whether the model gives ``text``, ``vector``, ``image``, ``audio``, ``order``."""
    return what in outputs(card)


def inputs(card: ModelCard) -> tuple[str, ...]:
    """All that it is known to take."""
    return card.inputs or tuple(what for what in ("text", "image", "audio", "file") if takes(card, what))


def outputs(card: ModelCard) -> tuple[str, ...]:
    """All that it gives."""
    return card.outputs or (_GIVES[card.kind],)


def has_context(card: ModelCard) -> bool:
    """Whether a model of this kind has a window of tokens at all."""
    return card.kind in ("text", "embedding", "reranking") or card.context_window is not None


def context(card: ModelCard) -> int | None:
    """Tokens of one request; of an embedding, of one text."""
    return card.context_window or (card.limits.get("input_tokens") if card.kind == "embedding" else None)


def price(card: ModelCard) -> Decimal | None:
    """US dollars for a million output tokens; of a kind that has none, input tokens."""
    if card.price is None:
        return None
    return card.price.input if card.kind in ("embedding", "reranking") else card.price.output


def open_weights(card: ModelCard) -> bool | None:
    """Whether the weights can be had: those of a file that lies here were had."""
    return True if card.open_weights is None and card.file is not None and card.file_bytes is not None else card.open_weights


def data(card: ModelCard) -> str | None:
    """Where what is sent to it goes."""
    return card.data or (HERE if card.local else None)
