"""Prices that the configuration gives: ``[prices."PROVIDER:MODEL"]`` for a model, ``price`` for an alias of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub.config.aliases import alias_stack, chain
from modelhub.config.reader import read
from modelhub.config.stack import table_at
from modelhub.errors import ConfigError
from modelhub.price import Price

if TYPE_CHECKING:
    from modelhub.config.loading import Loaded

__all__ = ["price_of", "wrong_prices"]


def price_of(loaded: Loaded, name: str, model: str) -> Price | None:
    """What the configuration says that a name's model costs: of its aliases the nearest that gives a price, else the model.

    A price is taken whole: what it leaves open is unknown, and nobody else's price is put there. Raises ``ConfigError``.
    """
    if ":" not in name:
        for alias in chain(loaded, name):
            if (table := table_at(loaded.tree, ("models", alias)).get("price")) is not None:
                return read(Price, table, origin=alias_stack(loaded, (alias,)).origin, where=("models", alias, "price"))
    table = table_at(loaded.tree, ("prices",)).get(model)
    return None if table is None else read(Price, table, origin=loaded.origin, where=("prices", model))


def wrong_prices(loaded: Loaded) -> Iterator[ConfigError]:
    """Every price that is none: of the table ``[prices]``, and of an alias."""
    places: list[tuple[str, ...]] = [("prices", model) for model in loaded.config.prices]
    places += [("models", name, "price") for name, model in loaded.config.models.items() if model.price]
    for where in places:
        mistakes: list[ConfigError] = []
        try:
            read(Price, table_at(loaded.tree, where), origin=loaded.origin, where=where, mistakes=mistakes)
        except ConfigError as error:
            mistakes.append(error)
        yield from mistakes
