"""What can be asked of a resource: the deployments that the configuration tells of, and the base models it offers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from modelhub_openai.listing import Listing

from modelhub.plugin import HttpModel, HttpResponse, ModelCard, Request, Runtime
from modelhub_azure_openai.options import AzureOptions
from modelhub_azure_openai.site import azure_site

__all__ = ["listing"]

_UNDEPLOYED = "A base model that the resource offers: it is asked through a deployment."


async def listing(options: AzureOptions | None, runtime: Runtime) -> tuple[ModelCard, ...]:
    """The cards of the deployments that the configuration names, then of the base models that have none there.

    The deployments themselves are told by another service only (Azure Resource Manager), which takes other credentials.
    """
    site = replace(azure_site(options), listed_prices=True)
    asked = Listing(site)
    offered = await HttpModel(asked).call(Request(), runtime)
    deployments = asked.parse(_told(site.deployments)).cards
    named = {card.model for card in deployments}
    unusable = {row["id"] for row in offered.raw.get("data", ()) if _unusable(row)} if isinstance(offered.raw, dict) else set()
    others = (
        replace(card, description=card.description or _UNDEPLOYED)
        for card in offered.cards
        if card.model not in named and card.model.partition(":")[2] not in unusable
    )
    return (*deployments, *others)


def _told(names: Iterable[str]) -> HttpResponse:
    """What is configured, in the words of a list of models."""
    return HttpResponse(200, body=json.dumps({"data": [{"id": name} for name in names]}).encode())


def _unusable(row: Any) -> bool:
    """Whether a base model can be fine-tuned only, or not at all any more."""
    able = row.get("capabilities") if isinstance(row, dict) and isinstance(row.get("id"), str) else None
    return isinstance(able, dict) and able.get("inference") is False
