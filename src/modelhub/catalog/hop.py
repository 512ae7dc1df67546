"""The way to a file's bytes: a hub answers with another address, and only the hub is told who asks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from modelhub.errors import AnswerError
from modelhub.http import HttpRequest, origin, shown

if TYPE_CHECKING:
    from modelhub.http import Headers, HttpStream, Secret
    from modelhub.model import Runtime, Timeouts
    from modelhub.route import Route

__all__ = ["Arrival", "arrive"]

_MOST_HOPS = 8
_REDIRECTS = (301, 302, 303, 307, 308)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Where the redirects led: the answer, not yet read, and what the hub said of the file on the way."""

    stream: HttpStream
    from_hub: bool
    """Whether the server that was asked answers itself."""
    sha256: str | None = None
    size: int | None = None
    revision: str | None = None


async def arrive(
    address: str,
    headers: dict[str, str],
    token: Secret | None,
    runtime: Runtime,
    timeouts: Timeouts,
    route: Route | None = None,
) -> Arrival:
    """Ask for a file, and follow where the answer points. The caller closes the stream.

    ``token`` goes to the server of ``address`` and to no other. Raises ``AnswerError`` for redirects that lead nowhere.
    """
    at = address
    told = Arrival(stream=None, from_hub=True)  # type: ignore[arg-type]  # filled below
    for _ in range(_MOST_HOPS):
        same = origin(at) == origin(address)
        sent: dict[str, str | Secret] = {**headers, **({"authorization": token} if same and token is not None else {})}
        stream = await runtime.open(HttpRequest("GET", at, sent, route=route), timeouts)
        if same:
            told = _told(told, stream.headers)
        if stream.status not in _REDIRECTS:
            return replace(told, stream=stream, from_hub=same)
        await stream.aclose()
        at = _next(at, stream.headers)
    raise AnswerError(f"{shown(address)} redirects more than {_MOST_HOPS} times.")


def _next(at: str, headers: Headers) -> str:
    address = urljoin(at, headers.get("location", ""))
    if not address.startswith(("https://", "http://")) or (at.startswith("https:") and not address.startswith("https:")):
        raise AnswerError(f"{shown(at)} redirects to {shown(address)}, where no file is fetched from.")
    return address


def _told(before: Arrival, headers: Headers) -> Arrival:
    """What a hub says of the file itself, beside what it says of its own answer."""
    known = "x-linked-etag" in headers or "x-repo-commit" in headers
    tag = (headers.get("x-linked-etag") or (headers.get("etag", "") if known else "")).removeprefix("W/").strip('"').lower()
    size = headers.get("x-linked-size", "")
    return replace(
        before,
        sha256=tag if _SHA256.fullmatch(tag) else before.sha256,
        size=int(size) if size.isascii() and size.isdigit() else before.size,
        revision=headers.get("x-repo-commit", before.revision),
    )
