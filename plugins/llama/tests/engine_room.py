"""A look at the engine that is loaded in this process, through its own door."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from modelhub.plugin import engines

__all__ = ["ask", "busy", "decoded_after_leaving", "eventually", "loaded", "slots", "unload"]

PATIENCE = 30.0


def loaded() -> Any:
    """The one engine that is loaded."""
    (entry,) = engines()._entries.values()
    return entry.engine


def unload() -> None:
    """Unload all, so that a test begins with none."""
    engines().close()


def ask(path: str, *, key: bool = True, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, headers and body of an answer of the engine's door."""
    host = loaded().host
    own = {"authorization": host.headers["authorization"].reveal()} if key else {}
    door = HTTPConnection(urlsplit(host.base_url).netloc, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        door.request(method, path, body, {**own, **named})
        answer = door.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        door.close()


def slots() -> list[dict[str, Any]]:
    """The engine's own account of what it decodes; it answers between two tokens."""
    found: list[dict[str, Any]] = json.loads(ask("/slots")[2])
    return found


def busy() -> list[int]:
    """How many tokens have been decoded for each request that is decoded now."""
    return [slot["next_token"][0]["n_decoded"] for slot in slots() if slot["is_processing"]]


def decoded_after_leaving() -> int:
    """How many tokens are decoded from now on, until nothing is decoded any more."""
    seen = busy()
    if not seen:
        return 0
    first = last = max(seen)
    until = time.monotonic() + PATIENCE
    while seen := busy():
        assert time.monotonic() < until, "It goes on decoding."
        last = max(*seen, last)
    return last - first


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "It did not come to pass."
        time.sleep(0.01)
