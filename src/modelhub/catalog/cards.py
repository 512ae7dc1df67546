"""Model cards by name: the configuration's aliases, and what installed providers list.

A plugin keeps its list in ``modelhub_cards.json`` beside its module, so that listing models imports no plugin; or in a
function (``Provider.cards``); or its server has it (``Provider.listing``). These two are asked only where it is named.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from modelhub.config import read_options, resolve, served
from modelhub.errors import ModelhubError, PluginBroken
from modelhub.model import ModelCard
from modelhub.providers import imported, installed

if TYPE_CHECKING:
    from modelhub.assembly import Assembly
    from modelhub.model import Runtime
    from modelhub.provider import Provider

__all__ = ["CARDS_FILE", "cards", "cards_on_disk", "listed"]

CARDS_FILE = "modelhub_cards.json"


def cards(assembly: Assembly) -> tuple[ModelCard, ...]:
    """All cards that can be read without importing a plugin: the aliases, then what plugins list."""
    written = {card.model: card for plugin in installed() for card in _readable(plugin.module)}
    return (*_aliases(assembly, written), *written.values())


async def listed(assembly: Assembly, name: str, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The cards of one provider, its server's where it has one. Raises ``SetupError``, and what asking a server may raise."""
    found = served(assembly.loaded, name)
    if found.listing is None:
        return _listed(found)
    cls = imported(found.options) if found.options else None
    options = read_options(assembly.loaded, cls, f"{name}:models", found.defaults)
    answer: Iterable[ModelCard] = await imported(found.listing)(options, runtime)
    return tuple(card for card in answer if card.kind in found.kinds)


def cards_on_disk(module: str) -> tuple[ModelCard, ...]:
    """The cards beside a plugin's module, which is not imported. Raises ``PluginBroken`` for another file."""
    folder = _folder(module)
    path = os.path.join(folder, CARDS_FILE) if folder else ""
    if not os.path.isfile(path):
        return ()
    try:
        with open(path, encoding="utf-8") as file:
            return tuple(_card(entry) for entry in json.load(file))
    except (ValueError, TypeError) as error:
        raise PluginBroken(f"{path} is not a list of model cards: {error}") from None


def _readable(module: str) -> tuple[ModelCard, ...]:
    try:
        return cards_on_disk(module)
    except PluginBroken:  # whoever asks for this plugin by its name is told; the others are not stopped
        return ()


def _listed(found: Provider) -> tuple[ModelCard, ...]:
    if found.cards is not None:
        return tuple(imported(found.cards)())
    return tuple(card for plugin in installed() if plugin.name == found.name for card in cards_on_disk(plugin.module))


def _aliases(assembly: Assembly, listed: Mapping[str, ModelCard]) -> Iterator[ModelCard]:
    for alias in assembly.loaded.config.models:
        spec = resolve(assembly.loaded, alias)
        found = listed.get(spec.model) or _asked(assembly, alias)
        window = spec.context_window or found.context_window
        yield replace(found, model=alias, context_window=window, description=f"alias of {spec.model}. {found.description}")


def _asked(assembly: Assembly, alias: str) -> ModelCard:
    """The card that the model itself gives; where there is none to be had, one that says why."""
    why: ModelhubError | None = None
    try:
        for kind in assembly.kinds(alias):
            try:
                return assembly.model(kind, alias).model.card
            except ModelhubError as error:
                why = why or error
    except ModelhubError as error:
        why = error
    return ModelCard(model=alias, kind="text", description=why.message if why else "")


def _folder(module: str) -> str | None:
    from importlib.util import find_spec

    top, _, _ = module.partition(":")
    try:
        found = find_spec(top.partition(".")[0])
    except (ImportError, ValueError):
        return None
    return os.path.dirname(found.origin) if found is not None and found.origin else None


def _card(entry: dict[str, object]) -> ModelCard:
    for name, collect in (("settings", frozenset), ("languages", tuple)):
        if isinstance(value := entry.get(name), list):
            entry[name] = collect(value)
    return ModelCard(**entry)  # type: ignore[arg-type]
