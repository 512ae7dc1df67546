"""A model at the provider that was chosen for it: asked in its form, held against what it heeds there, waited for if cold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, TypeVar

from modelhub.plugin import Finished, Model, ModelCard, Negotiation, Notice, Response, Timing
from modelhub_huggingface.endpoints.carded import Carded
from modelhub_huggingface.router.abilities import capabilities
from modelhub_huggingface.router.choosing import Choice
from modelhub_huggingface.router.place import Place
from modelhub_huggingface.router.served import Served
from modelhub_huggingface.waiting import Waiting

__all__ = ["Seat", "seat"]

ResponseT = TypeVar("ResponseT", bound=Response)


@dataclass(frozen=True, slots=True)
class Seat:
    """The model there, and what each of its responses tells besides: who serves it, who pays, what the choice was like."""

    model: Model[Any, Any, Any]
    notices: tuple[Notice, ...]
    metadata: Mapping[str, Any]

    def told(self, response: ResponseT, before: float) -> ResponseT:
        """The response with all that, timed from ``before`` seconds earlier on: as long as it took to find the seat."""
        return replace(
            response,
            provider_metadata={**response.provider_metadata, **self.metadata},
            notices=(*self.notices, *response.notices),
            timing=_later(response.timing, before),
        )

    def finished(self, event: Any, before: float) -> Any:
        """The event, which tells the same if it is the last one."""
        return Finished(self.told(event.response, before)) if isinstance(event, Finished) else event


def seat(choice: Choice, place: Place, card: ModelCard) -> Seat:
    """The seat of a model with that card."""
    offer, form = choice.offer, choice.form
    served = Served(place.router, offer.by, offer.id, place.name, place.model, choice.task, offer.adapter)
    module, _, name = form.home.partition(":")
    make = getattr(import_module(f"modelhub_huggingface.router.{module}"), name or card.kind)
    shown = replace(card, settings=frozenset(form.settings), capabilities=capabilities(card.kind, form.abilities))
    model = Negotiation(Carded(Waiting(make(served, place.options), place.options.cold_start), shown))
    return Seat(model, choice.notices, {"inference_provider": offer.by, **place.router.billing})


def _later(timing: Timing, before: float) -> Timing:
    first = None if timing.first_token is None else timing.first_token + before
    return Timing(first_token=first, total=None if timing.total is None else timing.total + before)
