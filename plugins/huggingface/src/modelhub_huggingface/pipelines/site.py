"""Where a pipeline is: the seam between the classic tasks and whoever serves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from modelhub.plugin import HttpRequest, HttpResponse, ModelhubError

__all__ = ["JSON", "PipelineSite", "body"]

JSON = "application/json"


class PipelineSite(Protocol):
    """One pipeline of one host, for one model and one task. Pure, like the endpoints that ask it."""

    @property
    def provider(self) -> str:
        """The word before the colon of a model id."""

    @property
    def specified(self) -> bool:
        """Whether parameters are read as the hub specifies them (``stop``, ``seed``, ``generate_parameters``); else they go to
        the library that computes, as they are.
        """

    def ask(self, content: Mapping[str, Any] | bytes, *, media_type: str = JSON, accept: str = JSON) -> HttpRequest:
        """A request with that body: a mapping goes as JSON, bytes go as they are."""

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        """What an unsuccessful answer means."""


def body(inputs: Any, parameters: Mapping[str, Any], arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """``inputs`` and ``parameters``: what is configured, over it what this request sets, over both what it gives besides.

    Of ``extra``, its own ``parameters`` are laid over the others; all else stands beside them.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    merged = {**arguments, **given, **extra.get("parameters", {})}
    beside = {name: value for name, value in extra.items() if name != "parameters"}
    return {"inputs": inputs, **({"parameters": merged} if merged else {}), **beside}
