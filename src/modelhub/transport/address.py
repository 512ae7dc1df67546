"""Where a request goes: an address taken apart as the wire wants it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Address", "NoAddress", "address"]

_PLAIN = re.compile(r"(https?)://([a-z0-9.-]+)(?::([1-9]\d{0,4}))?((?:/[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*)*/?)", re.ASCII)
_USUAL = {"http": 80, "https": 443}
_LAST_PORT = 65_535


class NoAddress(Exception):
    """Not something that a request can be sent to."""


class Address(NamedTuple):
    """``authority`` is what the header ``Host`` says: without a port where it is the scheme's own."""

    scheme: str
    host: str
    port: int
    target: bytes
    authority: bytes


@lru_cache(maxsize=256)
def address(url: str) -> Address:
    """A URL's address. Raises ``NoAddress``."""
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return _unusual(url)
    scheme, host, digits, path = plain.groups()
    port = int(digits) if digits else None
    return _address(scheme, host, port, path.encode() or b"/", host.encode())


def _unusual(url: str) -> Address:
    """Whatever needs the rules in full: escapes, queries, names in other scripts, dots in paths."""
    import httpx

    try:
        found = httpx.URL(url)
    except (ValueError, TypeError, httpx.InvalidURL):  # a lone surrogate, say
        found = httpx.URL()
    if found.scheme not in _USUAL or not found.host:
        raise NoAddress
    host = found.raw_host.decode("ascii")
    return _address(found.scheme, host, found.port, found.raw_path, f"[{host}]".encode() if ":" in host else host.encode())


def _address(scheme: str, host: str, port: int | None, target: bytes, named: bytes) -> Address:
    usual = _USUAL[scheme]
    port = port or usual
    if port > _LAST_PORT:
        raise NoAddress
    return Address(scheme, host, port, target, named if port == usual else b"%b:%d" % (named, port))
