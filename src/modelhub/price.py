"""What a model costs, in US dollars, as of a day."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Price"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars: per million tokens, per image, per minute of sound, per million characters. ``None`` is unknown, never free.

    ``cached_input`` is for tokens read from the provider's cache and ``cache_write`` for those written to it; left out, they
    cost what ``input`` costs. ``as_of`` is the day the price was read (``2026-11-24``), ``source`` where.
    """

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    image: Decimal | None = None
    minute: Decimal | None = None
    characters: Decimal | None = None
    as_of: str = ""
    source: str = ""
