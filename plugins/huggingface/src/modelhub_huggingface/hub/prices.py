"""What models cost at the router, beside what the hub knows of them: a card for each provider that serves one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from modelhub.plugin import ModelCard, ModelhubError, Runtime
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["at_provider", "priced"]


async def priced(cards: Iterable[ModelCard], options: HuggingFaceOptions, runtime: Runtime) -> list[ModelCard]:
    """Of each model, a card for each provider that has it live: ``huggingface:OWNER/MODEL:groq``.

    What no provider of the router has is left out. Raises what asking the router may raise.
    """
    from modelhub_huggingface.router.listing import listing

    offers: dict[str, list[ModelCard]] = {}
    for offer in await listing(options, runtime):
        offers.setdefault(offer.model.rpartition(":")[0], []).append(offer)
    return [_served(card, offer) for card in cards for offer in offers.get(card.model, ())]


async def at_provider(card: ModelCard, by: str, options: HuggingFaceOptions, runtime: Runtime) -> ModelCard:
    """The card of a model as that provider serves it; where the router tells nothing of it, the card as it was."""
    from modelhub_huggingface.router.listing import listing

    try:
        offers = await listing(options, runtime, retries=0)
    except ModelhubError:  # what the hub tells is worth something without it
        return card
    return next((_served(card, offer) for offer in offers if offer.model == f"{card.model}:{by}"), card)


def _served(card: ModelCard, offer: ModelCard) -> ModelCard:
    """The card of a model with what a provider says of it: its price, its window, what it can do there."""
    speed = f"Of late: {offer.description}." if offer.description else ""
    return replace(
        card,
        model=offer.model,
        description=f"{card.description} {speed}".strip(),
        capabilities={**card.capabilities, **offer.capabilities},
        context_window=offer.context_window or card.context_window,
        price=offer.price,
        data=offer.data,
    )
