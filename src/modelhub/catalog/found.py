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

__all__ = ["FoundModels", "Searched", "selected"]


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
    notes: Mapping[str, str]
    """What a provider says of how it looked, by its name: that its hub was not asked, or that there is more than it saw."""

    def __new__(
        cls,
        cards: Iterable[ModelCard] = (),
        *,
        left_out: int = 0,
        unknown: Mapping[str, int] = MappingProxyType({}),
        more: int = 0,
        failures: Mapping[str, ModelhubError] = MappingProxyType({}),
        notes: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:
        made = super().__new__(cls, cards)
        made.left_out, made.unknown, made.more, made.failures = left_out, dict(unknown), more, dict(failures)
        made.notes = dict(notes)
        return made


class Searched(tuple[ModelCard, ...]):  # noqa: SLOT001
    """What a provider's ``search`` or ``listing`` may give instead of bare cards, where it has to say how it looked.

    It gives also the cards that do not tell all that is asked for, and more than the limit: whoever asked counts both.
    """

    note: str

    def __new__(cls, cards: Iterable[ModelCard] = (), *, note: str = "") -> Self:
        made = super().__new__(cls, cards)
        made.note = note
        return made


def selected(
    cards: Iterable[ModelCard],
    query: Query,
    searched: Collection[str] = (),
    failures: Mapping[str, ModelhubError] = MappingProxyType({}),
    notes: Mapping[str, str] = MappingProxyType({}),
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
        notes=notes,
    )
