"""Who serves a model, and for what, as the hub tells it: ``inferenceProviderMapping``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Request,
    Response,
    Unsupported,
)
from modelhub_huggingface.hub.faults import hub_fault
from modelhub_huggingface.hub.site import Site
from modelhub_huggingface.tasks import task_named

__all__ = ["Mapped", "Offer", "ProviderMapping"]

_FIELDS = (("expand", "inferenceProviderMapping"), ("expand", "pipeline_tag"))


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider's offer to serve a model for one task; ``id`` is its own name of the model."""

    by: str
    id: str
    task: str
    status: str = "live"
    adapter: str | None = None

    @property
    def live(self) -> bool:
        """Whether its last health check went well."""
        return self.status == "live"


@dataclass(frozen=True, kw_only=True)
class Mapped(Response):
    """What the hub says of a model: the ``task`` it is for, and who serves it, in the order in which they are preferred."""

    task: str | None = None
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True)
class ProviderMapping:
    """``GET api/models/{id}?expand=inferenceProviderMapping``."""

    hub: Site
    name: str

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.hub.provider}:{self.name}", kind="text", title="who serves it")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # the address says all
        return self.hub.get(self.hub.model(self.name, None, _FIELDS))

    def parse(self, response: HttpResponse) -> Mapped:
        said = json.loads(response.body)
        if not isinstance(said, Mapping):
            raise AnswerError("The hub's answer is no description of a model.", head=response.body[:200])
        told = said.get("pipeline_tag")
        offers = tuple(_offers(said.get("inferenceProviderMapping")))
        return Mapped(task=task_named(told if isinstance(told, str) else None), offers=offers, raw=said)

    def decoder(self) -> Never:
        raise Unsupported("An answer of the hub comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return hub_fault(response, self.name, self.hub)


def _offers(said: Any) -> Iterator[Offer]:
    """The hub gives an object by provider for one model, and a list in its searches: both are read."""
    rows = (
        [{"provider": by, **row} for by, row in said.items() if isinstance(row, Mapping)] if isinstance(said, Mapping) else said
    )
    for row in rows if isinstance(rows, list) else ():
        offer = _offer(row) if isinstance(row, Mapping) else None
        if offer is not None:
            yield offer


def _offer(row: Mapping[str, Any]) -> Offer | None:
    by, own, task = row.get("provider"), row.get("providerId"), row.get("task")
    if not (isinstance(by, str) and isinstance(own, str) and isinstance(task, str)):
        return None
    adapter = row.get("adapterWeightsPath")
    return Offer(by, own, task, str(row.get("status") or "live"), adapter if isinstance(adapter, str) else None)
