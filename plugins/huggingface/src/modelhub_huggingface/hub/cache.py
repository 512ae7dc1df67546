"""Answers of the hub that are kept on this machine, for when it is not asked, or says that they still hold.

    CACHE/huggingface/HUB/OWNER/KEY.json

``OWNER`` is ``everyone``, or a digest of the token that the answer was given to: what the page of a private or a gated model
tells is read again with that token only. No token is in it. A damaged file is as none; one that cannot be written is left out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from modelhub.plugin import Secret, cache_folder

__all__ = ["EVERYONE", "Cache", "Kept", "cache_of"]

EVERYONE = "everyone"
_SCHEMA = 1
_LONGEST = 4 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer: from which address, what it was, and when the hub last said that it holds, in seconds since 1970."""

    url: str
    body: str
    etag: str | None = None
    asked: float = 0.0


@dataclass(frozen=True, slots=True)
class Cache:
    """The answers of one hub that one caller may read: the caller's own, and everyone's."""

    folder: str
    owner: str

    def read(self, url: str) -> Kept | None:
        """What is kept of that address."""
        found = (self._read(self._file(owner, url)) for owner in (self.owner, EVERYONE))
        return next((kept for kept in found if kept is not None and kept.url == url), None)

    def keep(self, kept: Kept, *, everyones: bool) -> None:
        """Keep an answer as it was given just now, in the place of an older one; other processes may do the same."""
        owner, other = (EVERYONE, self.owner) if everyones else (self.owner, EVERYONE)
        if len(kept.body) <= _LONGEST:
            data = json.dumps({"schema": _SCHEMA, **asdict(replace(kept, asked=time.time()))}, ensure_ascii=False)
            with suppress(OSError):
                _write(self._file(owner, kept.url), data.encode("utf-8", "surrogatepass"))
        with suppress(OSError):  # what was everyone's may be so no longer
            os.unlink(self._file(other, kept.url))

    def all(self) -> Iterator[Kept]:
        """Everything that the caller may read."""
        for owner in (self.owner, EVERYONE):
            with suppress(OSError), os.scandir(os.path.join(self.folder, owner)) as items:
                files = [item.path for item in items if item.name.endswith(".json")]
                yield from (kept for file in files if (kept := self._read(file)) is not None)

    def _file(self, owner: str, url: str) -> str:
        return os.path.join(self.folder, owner, f"{sha256(url.encode()).hexdigest()[:40]}.json")

    def _read(self, file: str) -> Kept | None:
        try:
            with open(file, "rb") as stream:
                said: Any = json.loads(stream.read(2 * _LONGEST).decode("utf-8", "surrogatepass"))
            kept = Kept(url=said["url"], body=said["body"], etag=said["etag"], asked=float(said["asked"]))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        sound = isinstance(kept.url, str) and isinstance(kept.body, str) and isinstance(kept.etag, str | None)
        return kept if sound and said.get("schema") == _SCHEMA else None


def cache_of(hub: str, token: Secret | None) -> Cache:
    """What is kept of a hub's answers to whoever has that token, which must be ``loaded``."""
    place = quote(urlsplit(hub).netloc.rpartition("@")[2] + urlsplit(hub).path, safe="")
    return Cache(os.path.join(cache_folder(), "huggingface", place[:100]), _owner(hub, token))


def _owner(hub: str, token: Secret | None) -> str:
    """Who asks, as a word from which no token can be told; it is another one at each hub."""
    return "anyone" if token is None else sha256(f"modelhub\n{hub}\n{token.reveal()}".encode()).hexdigest()[:40]


def _write(file: str, data: bytes) -> None:
    """Put the file in its place as one; nobody but its owner may read it."""
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    temporary = f"{file}.{os.urandom(6).hex()}"
    try:
        with os.fdopen(os.open(temporary, _NEW, 0o600), "wb") as stream:
            stream.write(data)
        os.replace(temporary, file)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
