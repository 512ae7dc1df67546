"""One catalog: what the configuration, plugins, files, servers and hubs know of models, looked through with one query.

Nothing is imported for the bare list, and nothing is asked over a network unless a provider is named or ``everywhere`` says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelhub.catalog.cards import cards
from modelhub.catalog.found import FoundModels, Searched, selected
from modelhub.catalog.merging import merged
from modelhub.catalog.query import Query
from modelhub.catalog.sources import asked, at_hand, keepers
from modelhub.config import served
from modelhub.errors import InvalidRequest, ModelhubError, SetupError

if TYPE_CHECKING:
    from modelhub.assembly import Assembly
    from modelhub.model import ModelCard, Runtime
    from modelhub.provider import Provider

__all__ = ["found"]

Failures = dict[str, ModelhubError]


async def found(
    assembly: Assembly, query: Query | str | None, provider: str | None, everywhere: bool, runtime: Callable[[], Runtime]
) -> FoundModels:
    """The models that are asked for. Raises what a provider that is named raises; the failures of others are told."""
    if isinstance(query, str):
        provider, query = _one(query, provider), None
    if query is not None and not isinstance(query, Query):
        raise InvalidRequest(f"Models are looked for with a Query, or listed by a provider's name, not by {query!r}.")
    if provider is not None:
        return await _of_one(assembly, query, provider, runtime())
    if query is None and not everywhere:
        return FoundModels(_priced(assembly, cards(assembly)))
    return await _of_all(assembly, query, everywhere, runtime())


def _one(name: str, provider: str | None) -> str:
    if provider is not None:
        raise InvalidRequest(f"Two providers are named, {name!r} and {provider!r}: look with a Query everywhere, or at one.")
    return name


async def _of_one(assembly: Assembly, query: Query | None, name: str, runtime: Runtime) -> FoundModels:
    provider = served(assembly.loaded, name)
    here = await runtime.in_thread(at_hand, assembly, name, provider)
    there, searched = await asked(assembly, name, provider, query, runtime)
    return _chosen(assembly, (*here, *there), query, there if searched else (), notes=_noted({name: there}))


async def _of_all(assembly: Assembly, query: Query | None, everywhere: bool, runtime: Runtime) -> FoundModels:
    failures: Failures = {}
    providers = dict(await runtime.in_thread(lambda: list(keepers(assembly, failures.__setitem__))))
    gathered = list(await runtime.in_thread(_here, assembly, providers, failures))
    searched: list[ModelCard] = []
    notes: Mapping[str, str] = {}
    if everywhere:
        calls = [_call(assembly, name, provider, query, runtime, failures) for name, provider in providers.items()]
        answers = await runtime.gather(*calls)
        for there, by_words in answers:
            gathered += there
            searched += there if by_words else ()
        notes = _noted(dict(zip(providers, (there for there, _ in answers), strict=True)))
    return _chosen(assembly, tuple(gathered), query, tuple(searched), failures, notes)


def _noted(answers: Mapping[str, Searched]) -> Mapping[str, str]:
    return {name: there.note for name, there in answers.items() if there.note}


def _here(assembly: Assembly, providers: dict[str, Provider], failures: Failures) -> tuple[ModelCard, ...]:
    """The aliases, then what each provider has at hand."""
    found = list(cards(assembly))
    for name, provider in providers.items():
        try:
            found += at_hand(assembly, name, provider)
        except SetupError as error:
            failures[name] = error
    return tuple(found)


def _call(
    assembly: Assembly, name: str, provider: Provider, query: Query | None, runtime: Runtime, failures: Failures
) -> Callable[[], Awaitable[tuple[Searched, bool]]]:
    async def call() -> tuple[Searched, bool]:
        try:
            return await asked(assembly, name, provider, query, runtime)
        except ModelhubError as error:
            failures[name] = error
            return Searched(), False

    return call


def _chosen(
    assembly: Assembly,
    gathered: Iterable[ModelCard],
    query: Query | None,
    searched: Iterable[ModelCard],
    failures: Mapping[str, ModelhubError] = MappingProxyType({}),
    notes: Mapping[str, str] = MappingProxyType({}),
) -> FoundModels:
    """What fits of all that was gathered, one card a model; all of it, where nothing is asked for."""
    known = _priced(assembly, merged(gathered))
    if query is None:
        return FoundModels(known, failures=failures, notes=notes)
    return selected(known, query, {card.model for card in searched}, failures, notes)


def _priced(assembly: Assembly, cards: tuple[ModelCard, ...]) -> tuple[ModelCard, ...]:
    """The cards with the prices of the configuration in the place of those that plugins know."""
    if not assembly.loaded.config.prices:
        return cards
    from modelhub.config.prices import price_of

    found = ((card, price_of(assembly.loaded, card.model, card.model) if ":" in card.model else None) for card in cards)
    return tuple(replace(card, price=price) if price is not None else card for card, price in found)
