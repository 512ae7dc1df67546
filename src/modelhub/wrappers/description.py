"""Description: what the configuration knows of a model that its own card does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from modelhub.model import ModelCard, Request, Response, Wrapper

__all__ = ["Description"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")


@dataclass(frozen=True)
class Description(Wrapper[RequestT, ResponseT, EventT]):
    """The same model with another card."""

    described: ModelCard

    @property
    def card(self) -> ModelCard:
        return self.described
