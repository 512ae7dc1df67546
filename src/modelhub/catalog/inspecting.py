"""What installed providers know of model files: how to read them, which lie on this machine, which hubs they come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from modelhub.catalog.sources import Complaint, keepers, local_cards
from modelhub.errors import PluginMissing, SetupError
from modelhub.http import origin
from modelhub.model import ModelCard
from modelhub.providers import imported, installed, provider

if TYPE_CHECKING:
    from modelhub.assembly import Assembly
    from modelhub.provider import Provider

__all__ = ["Inspector", "hub_token", "inspector", "local_models", "providers"]

Inspector = Callable[[str], ModelCard]
"""From the path of a file to what it says of itself. Raises ``ModelhubError``."""


def inspector(file: str) -> Inspector:
    """What reads a file of this name. Raises ``PluginMissing`` where no installed provider runs such files."""
    known: set[str] = set()
    for found in providers():
        for ending, address in found.files.items():
            if file.casefold().endswith(ending.casefold()):
                read: Inspector = imported(address)
                return read
        known.update(found.files)
    runs = f" The installed ones run {', '.join(sorted(known))}." if known else ""
    raise PluginMissing(f"No installed plugin runs a file like {os.path.basename(file) or file!r}.{runs} See: modelhub plugins")


def local_models(assembly: Assembly, complain: Complaint = lambda _name, _error: None) -> tuple[ModelCard, ...]:
    """The cards of the models that lie on this machine, of each provider; ``complain`` hears of those that cannot tell."""
    cards: list[ModelCard] = []
    for name, found in keepers(assembly, complain):
        try:
            cards += local_cards(assembly, name, found)
        except SetupError as error:
            complain(name, error)
    return tuple(cards)


def hub_token(address: str) -> str | None:
    """The environment variable that holds the caller's token for the hub of this address; ``None`` for other servers."""
    for found in providers():
        hubs: Mapping[str, str] = imported(found.hubs)() if found.hubs else {}
        for hub, variable in hubs.items():
            if origin(hub).casefold() == origin(address).casefold():
                return variable
    return None


def providers() -> Iterator[Provider]:
    """Each installed provider of models that can be used."""
    for name in sorted({plugin.name for plugin in installed()}):
        try:
            yield provider(name)
        except SetupError:  # no provider of models, or a broken one: modelhub plugins doctor tells of it
            continue
