"""Pricing: what an answer cost, to the last millionth of a dollar, or the reason why that cannot be told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from modelhub.model import Finished, Request, Response, Runtime, Usage, Wrapper
from modelhub.price import Price

__all__ = ["Priced", "cost"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, eq=False)
class Priced(Wrapper[RequestT, ResponseT, EventT]):
    """Fills ``cost``, or says in ``unpriced`` what is missing. A cost that the provider itself reports is left as it is."""

    price: Price

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        return self._priced(await self.inner.call(request, runtime), request)

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        async with aclosing(self.inner.stream(request, runtime)) as events:
            async for event in events:
                yield self._finished(event, request) if isinstance(event, Finished) else event

    def _finished(self, event: Any, request: RequestT) -> Any:
        return Finished(self._priced(event.response, request))

    def _priced(self, response: ResponseT, request: RequestT) -> ResponseT:
        if response.cost is not None:
            return response
        found = cost(self.price, response.usage, request)
        told = (found, None) if isinstance(found, Decimal) else (None, found)
        return replace(response, cost=told[0], unpriced=told[1])


def cost(price: Price, usage: Usage, request: Request | None = None) -> Decimal | str:
    """US dollars for what was used; or, in words, why they cannot be told: never a sum of only some of its parts."""
    if usage.source == "estimated":
        return "The provider did not say what was used; there is only an estimate of it."
    items = list(_items(price, usage, request))
    for item in items:
        if item.used is not None and item.used < 0:
            return f"The provider's figures contradict each other: there are {item.used} {item.name}."
        if item.used is None:
            return f"The provider did not say how many {item.name} were used."
        if item.price is None and item.used:
            return f"No price is known for {item.name}."
    if not items:
        return "The provider did not say what was used."
    return sum((item.used * item.price for item in items if item.used and item.price), Decimal(0)).normalize() + 0


class _Item(NamedTuple):
    name: str
    used: Decimal | None
    price: Decimal | None
    """Of one."""


def _items(price: Price, usage: Usage, request: Request | None) -> Iterator[_Item]:
    """Everything that was used or is charged for."""
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    fresh = None if usage.input_tokens is None else usage.input_tokens - cached - written
    yield from _item("input tokens", fresh, price.input, _MILLION)
    if cached:
        yield from _item("cached tokens", cached, _first(price.cached_input, price.input), _MILLION)
    if written:
        yield from _item("tokens written to the cache", written, _first(price.cache_write, price.input), _MILLION)
    yield from _item("output tokens", usage.output_tokens, price.output, _MILLION)
    yield from _item("images", usage.images, _image(price, request), Decimal(1))
    yield from _item("seconds of sound", usage.audio_seconds, price.minute, Decimal(60))
    yield from _item("characters", usage.characters, price.characters, _MILLION)


def _item(name: str, used: float | None, price: Decimal | None, per: Decimal) -> Iterator[_Item]:
    if used is not None or price is not None:
        yield _Item(name, None if used is None else Decimal(str(used)), None if price is None else price / per)


def _first(*prices: Decimal | None) -> Decimal | None:
    return next((price for price in prices if price is not None), None)


def _image(price: Price, request: Request | None) -> Decimal | None:
    """The price of one image of the quality and size that the request asks for; what it leaves open is as in the first row."""
    if not price.images:
        return None
    usual_quality, _, usual_size = next(iter(price.images)).rpartition(" ")
    size = getattr(request, "size", None)
    wanted = f"{size[0]}x{size[1]}" if size else usual_size
    return price.images.get(f"{getattr(request, 'quality', None) or usual_quality} {wanted}".strip())
