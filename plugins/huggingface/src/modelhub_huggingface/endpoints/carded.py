"""A model with a card of its own: what is known of the server that it runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from modelhub.plugin import ModelCard, Request, Response, Wrapper

__all__ = ["Carded"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


@dataclass(frozen=True, eq=False, repr=False)
class Carded(Wrapper[RequestT, ResponseT, EventT]):
    """Shows ``shown`` in the place of the model's own card."""

    shown: ModelCard = field(repr=False)

    @property
    def card(self) -> ModelCard:
        return self.shown

    def __repr__(self) -> str:
        return f"Carded({self.inner!r})"
