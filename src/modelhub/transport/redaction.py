"""Strike a request's keys out of whatever an error would show, however the server wrote them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from modelhub.errors import ModelhubError
from modelhub.http import Headers, HttpRequest, HttpResponse

__all__ = ["redacted_response", "unspoken"]

_STRUCK = "[key]"
_PREFIX = 8
_SHORTEST = 4


def redacted_response(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """The response without the request's keys: what an error is made of."""
    keys = _keys(request)
    if not keys:
        return response
    headers = Headers({name: _struck(value, keys) for name, value in response.headers.items()})
    return HttpResponse(response.status, headers, _struck_bytes(response.body, keys))


def unspoken(error: ModelhubError, request: HttpRequest, data: bytes = b"") -> ModelhubError:
    """The same error without the request's keys; where it, or the ``data`` it speaks of, had one, without its history too."""
    keys = _keys(request)
    if not keys:
        return error
    fields = {name: _cleaned(value, keys) for name, value in vars(error).items()}
    arguments = tuple(_cleaned(argument, keys) for argument in error.args)
    if fields != vars(error) or arguments != error.args or _struck_bytes(data, keys) != data or _chained(error, keys):
        error.args = arguments
        vars(error).update(fields)
        error.__cause__ = error.__context__ = error.__traceback__ = None
    return error


def _chained(error: BaseException, keys: list[str]) -> bool:
    """Whether an exception behind this one shows a key."""
    behind = error.__cause__ or error.__context__
    return behind is not None and (
        any(_cleaned(shown, keys) != shown for shown in (*behind.args, *vars(behind).values(), str(behind)))
        or _chained(behind, keys)
    )


def _keys(request: HttpRequest) -> list[str]:
    """Every form of every key. The last word of ``Bearer xyz`` is a key; a key of less than four characters hides nothing."""
    revealed = (value.reveal() for value in request.headers.values() if not isinstance(value, str) and value.loaded)
    return sorted({form for value in revealed for form in _forms(value) if len(form) >= _SHORTEST})


def _forms(value: str) -> Iterator[str]:
    key = value.split(" ")[-1]
    yield key
    yield quote(key, safe="")
    for text in (key, value):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(text.encode()).decode().rstrip("=")


def _cleaned(value: Any, keys: list[str]) -> Any:
    match value:
        case str():
            return _struck(value, keys)
        case bytes():
            return _struck_bytes(value, keys)
        case Mapping() if not isinstance(value, Headers):
            return {_cleaned(name, keys): _cleaned(item, keys) for name, item in value.items()}
        case list():
            return [_cleaned(item, keys) for item in value]
        case tuple() if type(value) is tuple:
            return tuple(_cleaned(item, keys) for item in value)
        case _:
            return value


def _struck_bytes(data: bytes, keys: list[str]) -> bytes:
    text = data.decode("latin-1")
    struck = _struck(text, keys)
    return data if struck == text else struck.encode("latin-1")


def _struck(text: str, keys: list[str]) -> str:
    """The text without every place where at least the first eight characters of a form stand, as far as any form goes on."""
    for prefix in {key[:_PREFIX] for key in keys}:
        text = _without(text, prefix, [key for key in keys if key.startswith(prefix)])
    return text


def _without(text: str, prefix: str, keys: list[str]) -> str:
    pieces: list[str] = []
    start = 0
    while (found := text.find(prefix, start)) >= 0:
        pieces += [text[start:found], _STRUCK]
        start = found + max(_common(text, found, key) for key in keys)
    return "".join([*pieces, text[start:]])


def _common(text: str, at: int, key: str) -> int:
    """How many characters of the key stand there."""
    length = 0
    while length < len(key) and text[at + length : at + length + 1] == key[length]:
        length += 1
    return length
