"""Where what is sent to a model goes: nowhere, to an endpoint, or through the router to who serves the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub_huggingface.addresses import host
from modelhub_huggingface.hub.reading import tables, text
from modelhub_huggingface.options import POLICIES, HuggingFaceOptions

__all__ = ["HERE", "data_of"]

HERE = "this machine"
_NAMED = 6


def data_of(name: str, info: Mapping[str, Any], options: HuggingFaceOptions) -> str:
    """In words; of a model at the router, the providers that serve it, as far as the hub tells."""
    place = options.place(name)
    if place == "local":
        return HERE
    if place == "endpoint":
        return host(options.base_url or "") or "an endpoint"
    router = host(options.router_url)
    wanted, by = options.inference_provider, _served_by(info)
    if wanted not in POLICIES:
        offered = _served_by(info, ailing=True)
        return (
            f"{router}, then {wanted}"
            if offered is None or wanted in offered
            else f"{router}, where {wanted} does not serve it"
        )
    if not by:
        return f"{router}, where no provider serves it" if by == () else f"{router}, then the provider that it chooses"
    *some, last = by[:_NAMED] if len(by) <= _NAMED else (*by[: _NAMED - 1], "others")
    return f"{router}, then {', '.join(some)} or {last}" if some else f"{router}, then {last}"


def _served_by(info: Mapping[str, Any], *, ailing: bool = False) -> tuple[str, ...] | None:
    """The providers that serve a model at the router, in the hub's order, those whose last check went badly too if asked for.

    ``None`` where the hub does not say.
    """
    told = info.get("inferenceProviderMapping")
    if isinstance(told, Mapping):
        told = [{"provider": by, **offer} for by, offer in told.items() if isinstance(offer, Mapping)]
    if not isinstance(told, list):
        return None
    live = (text(offer.get("provider")) for offer in tables(told) if ailing or offer.get("status", "live") == "live")
    return tuple(dict.fromkeys(by for by in live if by))
