"""What a model costs, in US dollars, as of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

__all__ = ["Price"]

_AMOUNTS = ("input", "cached_input", "cache_write", "output", "minute", "characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars: per million tokens, per image, per minute of sound, per million characters. ``None`` is unknown, never free.

    ``cached_input`` is for tokens read from the provider's cache and ``cache_write`` for those written to it; left out, they
    cost what ``input`` costs. ``images`` has a price for each ``"QUALITY WIDTHxHEIGHT"``; the first tells what is usual.
    ``as_of`` is the day the price was read (``2026-11-24``), ``source`` where.
    """

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    images: Mapping[str, Decimal] = field(default_factory=dict)
    minute: Decimal | None = None
    characters: Decimal | None = None
    as_of: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        named = {
            name: getattr(self, name) for name in ("input", "cached_input", "cache_write", "output", "minute", "characters")
        }
        for name, amount in {**named, **self.images}.items():
            if amount is not None and not (amount.is_finite() and amount >= 0):
                raise ValueError(f"{name} is {amount}; it must be an amount of US dollars.")
