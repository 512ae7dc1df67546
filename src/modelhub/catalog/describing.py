"""All that is known of one model: by its provider, its files, the lists it stands in, and the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from modelhub.catalog import axes
from modelhub.catalog.cards import as_alias, built
from modelhub.catalog.merging import filled
from modelhub.catalog.sources import answered, asked, at_hand, options_of
from modelhub.config import resolve, served, split_id
from modelhub.errors import InvalidRequest, ModelhubError

if TYPE_CHECKING:
    from modelhub.assembly import Assembly
    from modelhub.config.specs import ModelSpec
    from modelhub.model import Kind, ModelCard, Runtime

__all__ = ["described"]

Complaint = Callable[[str], object]
"""Told why a server that might know more was not heard."""


async def described(assembly: Assembly, name: str, runtime: Runtime, complain: Complaint = lambda _: None) -> ModelCard:
    """The card of an alias, an id, or a file of a model. Raises what its provider raises where nothing is known of it."""
    if not isinstance(name, str):
        raise InvalidRequest(f"A model is asked for by its alias, its id or its file, not by {name!r}.")
    if _is_path(assembly, name):
        return _told(await runtime.in_thread(_of_file, name))
    spec = resolve(assembly.loaded, name)
    card = await _of_id(assembly, name, spec.model, runtime, complain)
    return _told(_configured(assembly, name, spec, card))


def _is_path(assembly: Assembly, name: str) -> bool:
    """Whether a name is one of a file: what is no alias, and is there or is written like a path."""
    if name in assembly.loaded.config.models:
        return False
    return os.path.isabs(name) or (":" not in name and ("/" in name or os.sep in name or os.path.exists(name)))


def _of_file(path: str) -> ModelCard:
    from modelhub.catalog.inspecting import inspector

    if os.path.isdir(path):
        raise InvalidRequest(f"{path} is a folder: ask with its provider, PROVIDER:{path}.")
    if not os.path.exists(path):
        raise InvalidRequest(f"There is no file {path}.{_of_a_hub(path)}")
    card = inspector(path)(path)
    return replace(card, model=f"{card.model.partition(':')[0]}:{path}")


def _of_a_hub(name: str) -> str:
    """What may be meant where a name is one of a hub's, OWNER/MODEL, and its provider is left out."""
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name):
        return ""
    from modelhub.catalog.inspecting import providers

    hubs = [f"{provider.name}:{name}" for provider in providers() if provider.describe is not None]
    return f" If a model of a hub is meant: {', '.join(hubs)}." if hubs else ""


async def _of_id(assembly: Assembly, name: str, model: str, runtime: Runtime, complain: Complaint) -> ModelCard:
    """What the provider says of the model; and where it leaves something open, what the cards say that are at hand."""
    provider_name, model_name = split_id(model)
    provider = served(assembly.loaded, provider_name)
    cards: list[ModelCard] = []
    if provider.describe is not None:
        options = options_of(assembly, provider, name)
        cards.append(await answered(provider.describe, model_name, options, runtime))
    else:
        try:
            if provider.listing:
                there, _ = await asked(assembly, provider_name, provider, None, runtime)
                cards += (card for card in there if card.model == model)
        except ModelhubError as error:
            complain(error.message)
    cards += await runtime.in_thread(_at_hand, assembly, name, model, cards[0].kind if cards else None)
    first, *others = cards
    for other in others:
        first = filled(first, other)
    return replace(first, model=model)


def _at_hand(assembly: Assembly, name: str, model: str, kind: Kind | None) -> list[ModelCard]:
    """The cards of that id that no server is asked for, and the one that the model itself gives."""
    provider_name, _ = split_id(model)
    cards = [card for card in at_hand(assembly, provider_name, served(assembly.loaded, provider_name)) if card.model == model]
    kind = kind or (cards[0].kind if cards else None)
    try:
        cards.append(assembly.model(kind, name).model.card if kind else built(assembly, name))
    except ModelhubError:
        if kind is None:
            raise
    return cards


def _configured(assembly: Assembly, name: str, spec: ModelSpec, card: ModelCard) -> ModelCard:
    """The card with what the configuration says of the name over it."""
    if ":" not in name:
        return as_alias(assembly, name, spec, card)
    from modelhub.config.prices import price_of

    return replace(card, price=price_of(assembly.loaded, name, name) or card.price)


def _told(card: ModelCard) -> ModelCard:
    """The card with what follows from it written down as well."""
    return replace(
        card,
        inputs=axes.inputs(card),
        outputs=axes.outputs(card),
        open_weights=axes.open_weights(card),
        data=axes.data(card),
    )
