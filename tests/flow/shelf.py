"""A loopback server of files that knows ranges, and whatever may go wrong with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from modelhub.testing.server import FaultServer, Received, Reply

__all__ = ["Shelf", "redirect"]


@dataclass
class Shelf:
    """A file as a server has it: ``shelf.answer`` is what a ``FaultServer`` answers.

    ``cuts`` are how many bytes are sent of each answer in turn, the connection closed after them; then all that is asked for.
    """

    content: bytes
    etag: str | None = '"v1"'
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def answer(self, request: Received) -> Reply:
        tagged = {**({"etag": self.etag} if self.etag else {}), **self.headers}
        begin = self._begin(request)
        total = len(self.content)
        if begin > total or (begin == total and begin):
            return Reply(416, headers={**tagged, "content-range": f"bytes */{total}"})
        body = self.content[begin:]
        if begin:
            tagged["content-range"] = f"bytes {begin}-{total - 1}/{total}"
        status = 206 if begin else 200
        if self.cuts:
            return Reply(status, headers=tagged, body=body[: self.cuts.pop(0)], length=len(body), close=True)
        return Reply(status, headers=tagged, body=body)

    def _begin(self, request: Received) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        same = request.headers.get("if-range") in (None, self.etag)
        return int(asked[1]) if asked and self.ranges and same else 0


def redirect(server: FaultServer, path: str, **headers: str) -> Reply:
    """A hub's answer: the file lies elsewhere."""
    return Reply(
        302, headers={"location": server.url + path, **{name.replace("_", "-"): value for name, value in headers.items()}}
    )
