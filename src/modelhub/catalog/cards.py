"""Model cards by name: the configuration's aliases, and what installed providers list.

A plugin keeps its list in ``modelhub_cards.json`` beside its module, so that listing models imports no plugin; or in a
function (``Provider.cards``); or its server has it (``Provider.listing``). These two are asked only where it is named.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelhub.config import read, resolve
from modelhub.errors import ConfigError, ModelhubError, PluginBroken, UnknownModel
from modelhub.model import Metric, ModelCard
from modelhub.price import Price
from modelhub.providers import installed

if TYPE_CHECKING:
    from modelhub.assembly import Assembly
    from modelhub.config.specs import ModelSpec

__all__ = ["CARDS_FILE", "as_alias", "built", "cards", "cards_on_disk"]

CARDS_FILE = "modelhub_cards.json"


def cards(assembly: Assembly) -> tuple[ModelCard, ...]:
    """All cards that can be read without importing a plugin: the aliases, then what plugins list."""
    written = {card.model: card for plugin in installed() for card in _readable(plugin.module)}
    return (*_aliases(assembly, written), *written.values())


def cards_on_disk(module: str) -> tuple[ModelCard, ...]:
    """The cards beside a plugin's module, which is not imported. Raises ``PluginBroken`` for another file."""
    folder = _folder(module)
    path = os.path.join(folder, CARDS_FILE) if folder else ""
    if not os.path.isfile(path):
        return ()
    try:
        with open(path, encoding="utf-8") as file:
            return tuple(_card(entry) for entry in json.load(file))
    except (ValueError, TypeError, AttributeError, ConfigError) as error:
        raise PluginBroken(f"{path} is not a list of model cards: {error}") from None


def as_alias(assembly: Assembly, alias: str, spec: ModelSpec, found: ModelCard) -> ModelCard:
    """The card of what an alias stands for, under its name, with what the configuration says over it."""
    price = found.price
    if spec.price or assembly.loaded.config.prices:
        from modelhub.config.prices import price_of

        price = price_of(assembly.loaded, alias, spec.model) or price
    return replace(
        found,
        model=alias,
        context_window=spec.context_window or found.context_window,
        price=price,
        description=f"alias of {spec.model}. {found.description}".strip(),
    )


def built(assembly: Assembly, name: str) -> ModelCard:
    """The card that the model itself gives. Raises the first ``ModelhubError`` where it can be built as no kind.

    Of several kinds that a provider would build it as, it is of the one whose card names its task; else of the first.
    """
    first: ModelCard | None = None
    why: ModelhubError | None = None
    for kind in assembly.kinds(name):
        try:
            card = assembly.model(kind, name).model.card
        except ModelhubError as error:
            why = why or error
        else:
            first = first or card
            if card.task is not None:
                return card
    if first is None:
        raise why or UnknownModel(f"{name} is of no kind that there is.", model=name)
    return first


def _aliases(assembly: Assembly, listed: Mapping[str, ModelCard]) -> Iterator[ModelCard]:
    for alias in assembly.loaded.config.models:
        spec = resolve(assembly.loaded, alias)
        yield as_alias(assembly, alias, spec, listed.get(spec.model) or _asked(assembly, alias))


def _asked(assembly: Assembly, alias: str) -> ModelCard:
    """The card that the model itself gives; where there is none to be had, one that says why."""
    try:
        return built(assembly, alias)
    except ModelhubError as error:
        return ModelCard(model=alias, kind="text", description=error.message)


def _folder(module: str) -> str | None:
    from importlib.util import find_spec

    top, _, _ = module.partition(":")
    try:
        found = find_spec(top.partition(".")[0])
    except (ImportError, ValueError):
        return None
    return os.path.dirname(found.origin) if found is not None and found.origin else None


def _readable(module: str) -> tuple[ModelCard, ...]:
    try:
        return cards_on_disk(module)
    except PluginBroken:  # whoever asks for this plugin by its name is told; the others are not stopped
        return ()


def _card(entry: dict[str, Any]) -> ModelCard:
    for name, value in entry.items():
        if isinstance(value, list):
            entry[name] = frozenset(value) if name == "settings" else tuple(value)
    entry["metrics"] = tuple(Metric(**metric) for metric in entry.get("metrics", ()))
    if isinstance(price := entry.get("price"), dict):
        entry["price"] = read(Price, price)
    return ModelCard(**entry)
