"""What every client holds: a model, the room it waits in, and the options a call need not repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from modelhub.model import AnyModel, ModelCard, Runtime

__all__ = ["Client"]

ModelT = TypeVar("ModelT", bound=AnyModel)
OptionsT = TypeVar("OptionsT", bound=Mapping[str, Any])


@dataclass(frozen=True, slots=True, eq=False)
class Client(Generic[ModelT, OptionsT]):
    """A model by its name. ``defaults`` are what the configuration gives where a call gives nothing."""

    model: ModelT
    runtime: Runtime
    defaults: OptionsT

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.model.card
