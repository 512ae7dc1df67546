"""Whether a card is what a query asks for. Pure, and the same for every card, whatever it came from."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from modelhub.catalog import axes
from modelhub.catalog.licences import licence_name, licensed
from modelhub.catalog.query import Query
from modelhub.catalog.tasks import does
from modelhub.model import ModelCard

__all__ = ["folded", "matches", "unknown"]


def folded(query: Query) -> Query:
    """The query in the spelling that hubs have for such words, for a search that compares letter by letter."""

    def like(word: str | None) -> str | None:
        return None if word is None else _folded(word).strip()

    return replace(
        query,
        search=like(query.search),
        licence=None if query.licence is None else licence_name(_folded(query.licence)),
        language=None if query.language is None else _tag(query.language),
        architecture=like(query.architecture),
        library=like(query.library),
    )


def matches(card: ModelCard, query: Query) -> bool:
    """Whether the card has everything that is asked for. Unknown is not found."""
    return unknown(card, query) == ()


def unknown(card: ModelCard, query: Query) -> tuple[str, ...] | None:
    """The names of what is asked for and unknown on a card that fits in all else; ``None`` where it does not fit anyway."""
    lacking = []
    for name, wanted in query.given().items():
        verdict = _CHECKS[name](card, wanted)
        if verdict is None:
            lacking.append(name)
        elif not verdict:
            return None
    return tuple(lacking)


def _search(card: ModelCard, words: str) -> bool:
    said = _folded(f"{card.model} {card.title} {card.description}")
    return all(word in said for word in _folded(words).split())


def _language(card: ModelCard, wanted: str) -> bool | None:
    """``ja`` is found on ``ja-JP``; whether who speaks ``pt`` or many languages speaks ``pt-BR``, a card does not say."""
    asked, spoken = _tag(wanted), [_tag(language) for language in card.languages]
    if any(f"{tag}-".startswith(f"{asked}-") for tag in spoken):
        return True
    vague = not spoken or any(tag in ("multilingual", "mul") or asked.startswith(f"{tag}-") for tag in spoken)
    return None if vague else False


def _all(verdicts: list[bool | None]) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


def _same(told: object, wanted: object) -> bool | None:
    return None if told is None else told == wanted


def _alike(told: str | None, wanted: str) -> bool | None:
    return None if told is None else _word(told) == _word(wanted)


def _context(card: ModelCard, least: int) -> bool | None:
    if not axes.has_context(card):
        return False
    return None if (tokens := axes.context(card)) is None else tokens >= least


def _price(card: ModelCard, most: float) -> bool | None:
    return None if (price := axes.price(card)) is None else price <= Decimal(str(most))


def _data(card: ModelCard, word: str) -> bool | None:
    return None if (place := axes.data(card)) is None else _folded(word) in _folded(place)


def _folded(text: str) -> str:
    """Full-width and half-width letters, capitals and small ones are the same to whoever searches."""
    return unicodedata.normalize("NFKC", text).casefold()


def _word(text: str) -> str:
    return _folded(text).replace("_", "-")


def _tag(language: str) -> str:
    return language.lower().replace("_", "-")


_CHECKS: Mapping[str, Callable[[ModelCard, Any], bool | None]] = {
    "search": _search,
    "kind": lambda card, kind: card.kind == kind,
    "task": does,
    "licence": lambda card, licence: licensed(card.licence, licence),
    "language": _language,
    "family": lambda card, family: _same(card.family, family),
    "architecture": lambda card, name: _alike(card.architecture, name),
    "library": lambda card, name: _alike(card.library, name),
    "inputs": lambda card, wanted: _all([axes.takes(card, what) for what in wanted]),
    "outputs": lambda card, wanted: _all([axes.gives(card, what) for what in wanted]),
    "open_weights": lambda card, wanted: _same(axes.open_weights(card), wanted),
    "local": lambda card, wanted: _same(card.local, wanted),
    "fine_tunable": lambda card, wanted: _same(card.fine_tunable, wanted),
    "gated": lambda card, wanted: _same(card.gated, wanted),
    "data": _data,
    "min_context": _context,
    "max_parameters": lambda card, most: None if card.parameters is None else card.parameters <= most,
    "max_price": _price,
}
"""Of each axis: whether a card has what is wanted; ``None`` where the card does not say."""
