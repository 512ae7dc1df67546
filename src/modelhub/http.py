"""An HTTP exchange as plain values: what a plugin builds and reads, with no HTTP library in sight."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Headers", "HttpRequest", "HttpResponse", "HttpStream", "Secret"]


class Secret(Protocol):
    """A value that never shows itself: its ``repr`` says where it comes from, ``reveal`` what it is."""

    def load(self) -> None:
        """Fetch the value; may read a file or run a command, so it runs beside the event loop. Raises ``KeyMissing``."""

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


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes out. A header's value is a string, or a secret that the runtime reveals while it sends."""

    method: str
    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


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

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
