"""What was found: cards, and what is to be said of those that are not among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from modelhub.catalog.matching import unknown
from modelhub.catalog.ordering import ordered
from modelhub.model import ModelCard

if TYPE_CHECKING:
    from modelhub.catalog.query import Query
    from modelhub.errors import ModelhubError

__all__ = ["FoundModels", "selected"]


class FoundModels(tuple[ModelCard, ...]):  # noqa: SLOT001  # a tuple's subclass can have no slots of its own
    """The cards, as a tuple that knows what is missing in it."""

    left_out: int
    """How many cards fit as far as is known, and do not say all that was asked for."""
    unknown: Mapping[str, int]
    """What these do not say, and how many: ``{"licence": 3}``."""
    more: int
    """How many cards fit beyond the limit."""
    failures: Mapping[str, ModelhubError]
    """Why a provider could not be asked, by its name."""

    def __new__(
        cls,
        cards: Iterable[ModelCard] = (),
        *,
        left_out: int = 0,
        unknown: Mapping[str, int] = MappingProxyType({}),
        more: int = 0,
        failures: Mapping[str, ModelhubError] = MappingProxyType({}),
    ) -> Self:
        made = super().__new__(cls, cards)
        made.left_out, made.unknown, made.more, made.failures = left_out, dict(unknown), more, dict(failures)
        return made


def selected(
    cards: Iterable[ModelCard],
    query: Query,
    searched: Collection[str] = (),
    failures: Mapping[str, ModelhubError] = MappingProxyType({}),
) -> FoundModels:
    """Those that are asked for, in the order that is asked for, as many as are asked for.

    Models that are named in ``searched`` were found with the words of the query by whoever knows more of them than their cards.
    """
    loose = replace(query, search=None)
    fates = [(card, unknown(card, loose if card.model in searched else query)) for card in cards]
    fit = ordered((card for card, lacking in fates if lacking == ()), query.sort)
    vague = [lacking for _, lacking in fates if lacking]
    return FoundModels(
        fit[: query.limit],
        left_out=len(vague),
        unknown=Counter(name for lacking in vague for name in lacking),
        more=max(0, len(fit) - query.limit),
        failures=failures,
    )
