"""A hub whose models are on one scripted endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripted_endpoint import ScriptedEndpoint

from modelhub.plugin import ModelhubError, TextRequest
from modelhub.testing import Driven

__all__ = ["MODEL", "config", "raised"]

MODEL = "huggingface:org/tiny"


def config(endpoint: ScriptedEndpoint, **options: Any) -> dict[str, Any]:
    """The configuration of a hub that asks it; ``server`` is what it is, unless ``options`` say otherwise."""
    return {"providers": {"huggingface": {"base_url": endpoint.url, "server": endpoint.kind, **options}}}


def raised(runtime: Driven, model: Any, request: TextRequest, *, stream: bool) -> ModelhubError:
    """What a call, or a stream, raises."""
    ask: Callable[..., Any] = runtime.stream if stream else runtime.call
    try:
        answer = ask(model, request)
    except ModelhubError as error:
        return error
    raise AssertionError(f"Nothing was raised: {answer!r} came.")
