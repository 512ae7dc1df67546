"""An HTTP exchange as plain values: what a plugin builds and reads, with no HTTP library in sight."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelhub.route import Route

__all__ = ["Headers", "HttpRequest", "HttpResponse", "HttpStream", "Secret", "headers", "origin", "shown"]


class Secret(Protocol):
    """A value that never shows itself: its ``repr`` says where it comes from, ``reveal`` what it is."""

    def load(self, timeout: float | None = None) -> None:
        """Fetch the value; may read a file or run a command, so it runs beside the event loop.

        Raises ``KeyMissing``, or ``TimeoutError`` where ``timeout`` seconds did not suffice. A secret that has a method
        ``forget`` is told by it that the provider did not accept the value, and is no longer ``loaded`` then. One that has a
        property ``renewable`` that is true (a token) is then fetched anew and the refused call sent once more.
        """

    @property
    def loaded(self) -> bool:
        """Whether ``reveal`` would answer without waiting."""

    def reveal(self) -> str:
        """The value itself. Raises ``KeyMissing``."""


class Headers(Mapping[str, str]):
    """Response headers: read-only, names in any case; a header sent several times is joined by ``", "``."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str] | list[tuple[str, str]] | tuple[tuple[str, str], ...] = ()) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields.items() if isinstance(fields, Mapping) else fields:
            key = name.lower()
            self._fields[key] = f"{self._fields[key]}, {value}" if key in self._fields else value

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._fields)})"


def headers(fields: list[tuple[bytes, bytes]]) -> Headers:
    """Response headers as they came over the wire. Whatever is not UTF-8 is taken for Latin-1, as it once was by definition."""
    return Headers([(name.decode("latin-1"), _text(value)) for name, value in fields])


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes out. A header's value is a string, or a secret that the runtime reveals while it sends."""

    method: str
    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    route: Route | None = field(default=None, repr=False)
    """How the host is reached; ``None``: as the machine reaches any other."""

    def __repr__(self) -> str:
        return f"HttpRequest(method={self.method!r}, url={shown(self.url)!r})"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back, whole."""

    status: int
    headers: Headers = field(default_factory=Headers, repr=False)
    body: bytes = field(default=b"", repr=False)


class HttpStream(Protocol):
    """What is coming back, piece by piece. Close it, whatever happens."""

    status: int
    headers: Headers

    def chunks(self) -> AsyncIterator[bytes]:
        """The body's pieces as they arrive, decompressed. Raises ``TimedOut`` or ``Unreachable``."""

    async def read(self) -> bytes:
        """All that is left of the body."""

    def begun(self) -> None:
        """The first token has been understood: from here on ``idle`` counts and ``first_token`` no longer does."""

    def done(self) -> None:
        """All of the answer has been understood: from here on the end of the body is waited for one second, and no longer."""

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""


def origin(url: str) -> str:
    """``https://host:port``: a URL without its path, query and credentials. Any string has one, also where it is no URL."""
    scheme, place, _ = _taken_apart(url)
    return scheme + place


def shown(url: str) -> str:
    """A URL that may be shown: without user and password, and with ``...`` for each value of its query."""
    scheme, place, rest = _taken_apart(url)
    path, mark, query = rest.partition("#")[0].partition("?")
    return f"{scheme}{place}{path}{mark}" + "&".join(_NO_VALUE.sub("=...", pair) for pair in query.split("&"))


_NO_VALUE = re.compile(r"=.*", re.DOTALL)
_PLACE = re.compile(r"[^/?#]*")
_SOUND = re.compile(r"(?:[^@]*@)?(?:\[[^\]@]*\]?|[^:@\[]*)(?::\d*)?")


def _taken_apart(url: str) -> tuple[str, str, str]:
    """``https://``, ``host:port``, and what follows. Where a password has a slash, all up to the last ``@`` is left out."""
    start, slashes, rest = url.partition("://")
    scheme, rest = (start + slashes, rest) if slashes else ("", url)
    place = _leading_place(rest)
    if not _SOUND.fullmatch(place):
        rest = rest.rpartition("@")[2]
        place = _leading_place(rest)
    return scheme, place.rpartition("@")[2], rest[len(place) :]


def _leading_place(rest: str) -> str:
    found = _PLACE.match(rest)
    return found[0] if found else ""
