"""A model with a card of its own: what is known of the server that it runs on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import TypeVar

from modelhub.plugin import ModelCard, Request, Response, Runtime, Wrapper

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

    def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        return self.inner.stream(request, runtime)

    def __repr__(self) -> str:
        return f"Carded({self.inner!r})"
