"""The headers of a request as they go out: secrets revealed, and nothing in them that HTTP cannot carry."""

from __future__ import annotations

from modelhub.errors import InvalidRequest
from modelhub.http import HttpRequest, Secret

__all__ = ["header_fields"]

_DEFAULTS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "modelhub"}


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
