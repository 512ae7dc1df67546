"""The chat models of the router, as cards: one for each provider of a model, with its price and what it can do there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Never

from modelhub_openai.listing import Listed

from modelhub.plugin import (
    AnswerError,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Price,
    Request,
    Retry,
    Runtime,
    Unsupported,
    shown,
)
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.site import Router, router

__all__ = ["Listing", "listing"]

_PATIENCE = 5.0


async def listing(options: HuggingFaceOptions, runtime: Runtime, *, retries: int | None = None) -> tuple[ModelCard, ...]:
    """A card for each model at each provider that has it live: ``huggingface:openai/gpt-oss-120b:groq``.

    Its ``data`` tells both whom a request passes. Raises what asking a server may raise.
    """
    asked = Retry[Request, Listed, Never](HttpModel(Listing(router(options))), max_wait=_PATIENCE)
    return (await asked.call(Request(retries=retries), runtime)).cards


@dataclass(frozen=True)
class Listing:
    """``GET v1/models``, which anybody may ask."""

    router: Router

    @property
    def card(self) -> ModelCard:
        return ModelCard(model=f"{self.router.provider}:", kind="text", title="the list of models")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # there is nothing to ask but for the list
        return self.router.look("v1/models")

    def parse(self, response: HttpResponse) -> Listed:
        said = json.loads(response.body.decode("utf-8-sig", "replace"))
        rows = said.get("data") if isinstance(said, Mapping) else said
        if not isinstance(rows, list):
            raise AnswerError("The answer is no list of models.", head=response.body[:200])
        named = [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("id"), str)]
        return Listed(cards=tuple(card for row in named for card in _cards(self.router, row)), raw=said)

    def decoder(self) -> Never:
        raise Unsupported("A list of models comes whole.")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.router.fault(response, "")


def _cards(router: Router, row: Mapping[str, Any]) -> Iterator[ModelCard]:
    offers = row.get("providers")
    for offer in offers if isinstance(offers, list) else ():
        if isinstance(offer, Mapping) and isinstance(offer.get("provider"), str) and offer.get("status", "live") == "live":
            yield _card(router, row, offer)


def _card(router: Router, row: Mapping[str, Any], offer: Mapping[str, Any]) -> ModelCard:
    by, taken = offer["provider"], _modalities(row, "input_modalities")
    return ModelCard(
        model=f"{router.provider}:{row['id']}:{by}",
        kind="text",
        description=_speed(offer),
        capabilities={**_media(taken), **_abilities(offer)},
        context_window=_count(offer, "context_length"),
        price=_price(router, offer),
        local=False,
        open_weights=True,
        data=f"{router.host}, then {by}",
        inputs=taken,
        outputs=_modalities(row, "output_modalities"),
        task="image-text-to-text" if "image" in taken else "text-generation",
        url=f"https://huggingface.co/{row['id']}",
    )


def _abilities(offer: Mapping[str, Any]) -> dict[str, bool]:
    """What the provider tells of the model as it runs there; what it does not tell is unknown."""
    named = {"tools": offer.get("supports_tools"), "structured_output": offer.get("supports_structured_output")}
    return {name: told for name, told in named.items() if isinstance(told, bool)}


def _media(taken: tuple[str, ...]) -> dict[str, bool]:
    return {"images": "image" in taken, "audio": "audio" in taken} if taken else {}


def _modalities(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    architecture = row.get("architecture")
    told = architecture.get(name) if isinstance(architecture, Mapping) else None
    return tuple(word for word in told if isinstance(word, str)) if isinstance(told, list) else ()


def _price(router: Router, offer: Mapping[str, Any]) -> Price | None:
    """US dollars for a million tokens, as the router tells them."""
    told = offer.get("pricing")
    if not isinstance(told, Mapping):
        return None
    entered, came = _amount(told.get("input")), _amount(told.get("output"))
    return (
        None if entered is None and came is None else Price(input=entered, output=came, source=f"{shown(router.url)}/v1/models")
    )


def _amount(value: Any) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _speed(offer: Mapping[str, Any]) -> str:
    """How fast it was of late, where that is told."""
    latency, throughput = _number(offer, "first_token_latency_ms"), _number(offer, "throughput")
    first = "" if latency is None else f"first token after {latency / 1000:.2g} s"
    rate = "" if throughput is None else f"{throughput:.0f} tokens/s"
    return ", ".join(part for part in (first, rate) if part)


def _number(offer: Mapping[str, Any], name: str) -> float | None:
    value = offer.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _count(offer: Mapping[str, Any], name: str) -> int | None:
    value = offer.get(name)
    return value if type(value) is int and value > 0 else None
