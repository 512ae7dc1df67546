"""A request as it goes out: secrets revealed, and nothing in its headers that HTTP cannot carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelhub.errors import InvalidRequest
from modelhub.http import HttpRequest, Secret
from modelhub.transport.address import address

if TYPE_CHECKING:
    from modelhub.transport.ways import Place

__all__ = ["Outgoing", "header_fields", "outgoing"]

_DEFAULTS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "modelhub"}


class Outgoing:
    """What is written. It holds keys: use it inside an expression, and keep it nowhere."""

    __slots__ = ("body", "clock", "fields", "method", "place", "target")

    def __init__(
        self, method: str, place: Place, target: bytes, fields: list[tuple[bytes, bytes]], body: bytes, clock: Any
    ) -> None:
        self.method = method
        self.place = place
        self.target = target
        self.fields = fields
        self.body = body
        self.clock = clock
        """What is asked before each wait: a ``Clock``, or seconds."""


def outgoing(request: HttpRequest, clock: Any) -> Outgoing:
    """The request, keys revealed. Raises ``NoAddress``, and what ``header_fields`` does."""
    scheme, host, port, target, authority = address(request.url)
    fields = [(name.encode(), value.encode()) for name, value in header_fields(request)]
    if not any(name.lower() == b"host" for name, _ in fields):
        fields.insert(0, (b"host", authority))
    if request.body is not None or request.method not in _BODILESS:
        fields.append((b"content-length", b"%d" % len(request.body or b"")))
    return Outgoing(request.method, (scheme, host, port, request.route), target, fields, request.body or b"", clock)


_BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS")


def header_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Names and values, defaults included. Raises ``InvalidRequest``, which never shows a value, and ``KeyMissing``.

    The list holds keys: use it inside an expression and keep it nowhere.
    """
    _refuse_unsendable(request)
    given = {name.lower() for name in request.headers}
    defaults = [(name, value) for name, value in _DEFAULTS.items() if name not in given]
    return defaults + [(name, _revealed(value)) for name, value in request.headers.items()]


def _refuse_unsendable(request: HttpRequest) -> None:
    for name, value in request.headers.items():
        if not _sendable(name) or not _sendable(_revealed(value)):
            source = "" if isinstance(value, str) else f" (from {value!r})"
            raise InvalidRequest(
                f"The header {name!r}{source} has a character that HTTP cannot carry: only printable ASCII is allowed."
            )


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _revealed(value: str | Secret) -> str:
    return value if isinstance(value, str) else value.reveal()
