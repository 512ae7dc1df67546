"""What a model is looked for by: the one language of filters, whoever keeps the cards."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from modelhub.model import Family, Kind

__all__ = ["Order", "Query"]

Order = Literal["name", "downloads", "likes", "updated", "parameters", "context", "price"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is left out does not matter. A card on which something asked for is unknown is not found."""

    search: str | None = None
    """Words that stand in the name, the title or the description, all of them."""
    kind: Kind | None = None
    task: str | None = None
    licence: str | None = None
    """As on the card, in any case: ``apache-2.0``."""
    language: str | None = None
    """A language tag: ``ja`` finds ``ja`` and ``ja-JP``."""
    family: Family | None = None
    architecture: str | None = None
    library: str | None = None
    inputs: tuple[str, ...] = ()
    """What the model must take: ``("text", "image")``."""
    outputs: tuple[str, ...] = ()
    open_weights: bool | None = None
    local: bool | None = None
    """Whether the model runs on this machine."""
    fine_tunable: bool | None = None
    gated: bool | None = None
    data: str | None = None
    """A word of where what is sent goes."""
    min_context: int | None = None
    """Tokens."""
    max_parameters: int | None = None
    max_price: float | None = None
    """In US dollars for a million output tokens (of what has no output: input tokens)."""
    sort: Order = "name"
    limit: int = 50

    def given(self) -> dict[str, Any]:
        """What is asked for, by name; without the order and the limit."""
        asked = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("sort", "limit")}
        return {name: value for name, value in asked.items() if value not in (None, ())}
