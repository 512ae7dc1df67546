"""The providers as keepers of cards: what each has at hand, and what its server or its hub is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from modelhub.catalog.found import Searched
from modelhub.config import read_options, served
from modelhub.errors import ModelhubError, PluginBroken, PluginMissing, SetupError
from modelhub.providers import imported, installed
from modelhub.transport.failures import raise_alone
from modelhub.transport.keys import holding
from modelhub.transport.redaction import unspoken

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from modelhub.assembly import Assembly
    from modelhub.catalog.query import Query
    from modelhub.model import ModelCard, Runtime
    from modelhub.provider import Provider

__all__ = ["Complaint", "answered", "asked", "at_hand", "keepers", "local_cards", "options_of"]

Complaint = Callable[[str, SetupError], object]
"""Told of each provider that cannot be asked, by its name, and why."""


def keepers(assembly: Assembly, complain: Complaint) -> Iterator[tuple[str, Provider]]:
    """Every provider of models: the plugins' own names, and those of the configuration's tables."""
    own = {plugin.name for plugin in installed()}
    for name in sorted({*own, *assembly.loaded.config.providers}):
        try:
            yield name, served(assembly.loaded, name)
        except PluginMissing as error:
            if name not in own:  # else the plugin is there, and for something else than models
                complain(name, error)
        except SetupError as error:
            complain(name, error)


def options_of(assembly: Assembly, found: Provider, name: str) -> Any:
    """The options of a provider behind an alias or an id. Raises ``ConfigError``."""
    cls = imported(found.options) if found.options else None
    return read_options(assembly.loaded, cls, name, found.defaults)


def local_cards(assembly: Assembly, name: str, found: Provider) -> tuple[ModelCard, ...]:
    """The cards of the models of a provider that lie on this machine. Raises ``SetupError``."""
    if found.local is None:
        return ()
    return _given(found.local, options_of(assembly, found, f"{name}:models"))


def at_hand(assembly: Assembly, name: str, found: Provider) -> tuple[ModelCard, ...]:
    """What can be told of a provider's models without a server: its files on this machine, and its own list."""
    from modelhub.catalog.cards import cards_on_disk

    local = local_cards(assembly, name, found)
    if name != found.name:  # a list names what it lists by the plugin's own name
        return local
    if found.cards is not None:
        return (*local, *_given(found.cards))
    listed = (card for plugin in installed() if plugin.name == name for card in cards_on_disk(plugin.module))
    return (*local, *(card for card in listed if card.model.startswith(f"{name}:")))  # several names may share a module


async def asked(assembly: Assembly, name: str, found: Provider, query: Query | None, runtime: Runtime) -> tuple[Searched, bool]:
    """The cards that a provider's hub or server has, and whether it searched for the query's words itself.

    A query that looks for nothing, and tells an order or a limit alone, is no search: a server's own list is put in order.
    Raises what asking a server may raise; nothing is asked where there is none.
    """
    bare = query is None or not query.given()
    address = found.listing if found.search is None or (bare and found.listing is not None) else found.search
    if address is None:
        return Searched(), False
    options = options_of(assembly, found, f"{name}:models")
    if address == found.listing:
        cards = await answered(address, options, runtime)
    else:
        from modelhub.catalog.query import Query

        cards = await answered(address, query or Query(), options, runtime)
    note = cards.note if isinstance(cards, Searched) else ""
    return Searched((card for card in cards if card.kind in found.kinds), note=note), address == found.search


async def answered(address: str, *arguments: Any) -> Any:
    """What a provider's ``async`` function gives. Raises ``PluginBroken`` for whatever it raises that is not ours."""
    function: Callable[..., Awaitable[Any]] = imported(address)
    try:
        return await function(*arguments)
    except Exception as error:  # noqa: BLE001  # whatever a plugin raises comes out typed, and shows no key
        failure = [_typed(address, error, arguments)]
    return raise_alone(failure)


def _given(address: str, *arguments: Any) -> tuple[ModelCard, ...]:
    function: Callable[..., Iterable[ModelCard]] = imported(address)
    try:
        return tuple(function(*arguments))
    except Exception as error:  # noqa: BLE001  # the same
        failure = [_typed(address, error, arguments)]
    return raise_alone(failure)


def _typed(address: str, error: Exception, arguments: Iterable[Any]) -> ModelhubError:
    """The error, or one of ours in its place, without the keys that stand in the options."""
    told = error
    if not isinstance(told, ModelhubError):
        told = PluginBroken(f"{address} failed: {type(error).__name__}: {' '.join(str(error).split())}")
        told.__cause__ = error
    for argument in arguments:
        told = unspoken(told, holding(argument))
    return told
