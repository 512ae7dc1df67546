"""Model cards as rows: the axes on which they are compared at a glance. A column in which nothing is known is left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from modelhub.cli.printing import shortened, table

if TYPE_CHECKING:
    from modelhub.model import Kind, ModelCard
    from modelhub.price import Price

__all__ = ["card_table", "count", "price_words", "window_words"]


_USUAL: dict[Kind, str] = {
    "text": "text-generation",
    "embedding": "feature-extraction",
    "image": "text-to-image",
    "speech": "text-to-speech",
    "transcription": "automatic-speech-recognition",
    "reranking": "text-ranking",
}
"""What goes without saying."""


def card_table(cards: Iterable[ModelCard]) -> list[str]:
    """A line a card."""
    columns = [column for column in zip(*map(_row, cards), strict=True) if any(column)]
    return table(list(zip(*columns, strict=True)))


def _row(card: ModelCard) -> tuple[str, ...]:
    """Name, kind, what it is made for, size, window, price, licence, where it runs, how much it is fetched, and what it is."""
    return (
        card.model,
        card.kind,
        "" if card.task in (None, _USUAL[card.kind]) else card.task or "",
        count(card.parameters) if card.parameters else "",
        window_words(card),
        price_words(card.price) if card.price else "",
        shortened(card.licence or "", 24),
        {True: "local", False: "remote", None: ""}[card.local],
        f"{count(card.downloads)} downloads" if card.downloads is not None else "",
        shortened(card.title or card.description, 100),
    )


def window_words(card: ModelCard) -> str:
    """``32768 tokens``; of an embedding that does not tell, ``384 dimensions``."""
    if card.context_window:
        return f"{card.context_window} tokens"
    return f"{card.dimensions} dimensions" if card.dimensions else ""


def price_words(price: Price) -> str:
    """``$0.15 in, $0.60 out``, for a million tokens; whatever else is known of it."""
    amounts = [
        (price.input, "in"),
        (price.output, "out"),
        (price.minute, "a minute"),
        (price.characters, "a million characters"),
        (next(iter(price.images.values()), None), "an image"),
    ]
    return ", ".join(f"${amount} {what}" for amount, what in amounts if amount is not None)


def count(number: int) -> str:
    """``7.24B``."""
    for size, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)
