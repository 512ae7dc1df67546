"""What a fault server is told to answer, and what it was asked: plain values."""

from __future__ import annotations

import json as json_text
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub.http import Headers

__all__ = ["Answer", "Received", "Reply", "retry_after_forms", "sse"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``body`` is sent with its length, ``json`` becomes such a body, ``chunks`` are sent one by one, chunked.

    ``delay`` is the seconds before the status line, ``first_delay`` those before the body, ``chunk_delay`` those between
    chunks. ``fault`` happens ``at`` one of three places: instead of the ``headers``, after them (``first``), or in the
    ``middle``: after the first chunk, or half of the body. ``stall`` sends nothing more until the client goes, ``cut`` closes
    the connection, ``reset`` resets it. ``close`` ends the connection after the answer; ``length`` is a content-length that
    lies.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str = b""
    json: Any = None
    chunks: Sequence[bytes] | None = None
    delay: float = 0.0
    first_delay: float = 0.0
    chunk_delay: float = 0.0
    fault: Literal["stall", "cut", "reset"] | None = None
    at: Literal["headers", "first", "middle"] = "middle"
    close: bool = False
    length: int | None = None

    def content(self) -> bytes:
        """The body's bytes, where it is not sent in chunks."""
        if self.json is not None:
            return json_text.dumps(self.json, ensure_ascii=False).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass(slots=True)
class Received:
    """A request as it came: header names in any case, ``came`` and ``gone`` in seconds of ``time.monotonic``.

    ``gone`` is set when the client has closed the connection; ``connection`` counts the server's connections from 1.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    came: float
    connection: int
    gone: float | None = None
    _left: threading.Event = field(default_factory=threading.Event, repr=False)

    def json(self) -> Any:
        """The body, parsed."""
        return json_text.loads(self.body)

    def wait_for_disconnect(self, timeout: float = 1.0) -> bool:
        """Whether the client closes the connection within that many seconds."""
        return self._left.wait(timeout)

    def mark_gone(self) -> None:
        """The client has closed the connection."""
        if self.gone is None:
            self.gone = time.monotonic()
        self._left.set()


Answer = Reply | Callable[[Received], Reply]


def sse(events: Iterable[str | Mapping[str, Any] | tuple[str, str | Mapping[str, Any]]]) -> list[bytes]:
    """Server-sent events, each as one piece of bytes: of texts, of mappings (sent as JSON), or of pairs (event name, either).

    ``Reply(headers={"content-type": "text/event-stream"}, chunks=sse([{"delta": "日本"}, ("error", {"code": 1}), "[DONE]"]))``
    """
    return [_event(*event) if isinstance(event, tuple) else _event("", event) for event in events]


def _event(name: str, data: str | Mapping[str, Any]) -> bytes:
    text = data if isinstance(data, str) else json_text.dumps(data, ensure_ascii=False)
    lines = [f"event: {name}"] if name else []
    lines += [f"data: {line}" for line in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def retry_after_forms() -> dict[str, tuple[dict[str, str], float | None]]:
    """Every way in which servers say how long to wait: the headers, and the seconds they mean (``None``: nothing of use)."""
    from email.utils import formatdate

    now = time.time()
    return {
        "zero": ({"retry-after": "0"}, 0.0),
        "fraction": ({"retry-after": "1.5"}, 1.5),
        "seconds": ({"retry-after": "90"}, 90.0),
        "long": ({"retry-after": "86400"}, 86400.0),
        "milliseconds": ({"retry-after-ms": "250"}, 0.25),
        "both": ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        "date": ({"retry-after": formatdate(now + 120, usegmt=True), "date": formatdate(now, usegmt=True)}, 120.0),
        "past date": ({"retry-after": formatdate(now - 120, usegmt=True), "date": formatdate(now, usegmt=True)}, 0.0),
        "garbage": ({"retry-after": "soon"}, None),
        "negative": ({"retry-after": "-5"}, 0.0),
        "absent": ({}, None),
    }
