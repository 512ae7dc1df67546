"""What TEI tells of a request in the headers of its answer."""

from __future__ import annotations

from collections.abc import Mapping

from modelhub.plugin import HttpResponse, Usage

__all__ = ["computed"]

_TOLD = ("x-compute-type", "x-compute-time", "x-total-time", "x-tokenization-time", "x-queue-time", "x-inference-time")


def computed(response: HttpResponse) -> tuple[Usage, Mapping[str, str]]:
    """The tokens that it counted, and the times that it took, in milliseconds, as it writes them."""
    tokens = response.headers.get("x-compute-tokens", "")
    usage = Usage(input_tokens=int(tokens) or None) if tokens.isascii() and tokens.isdecimal() else Usage()
    return usage, {name.removeprefix("x-"): response.headers[name] for name in _TOLD if name in response.headers}
