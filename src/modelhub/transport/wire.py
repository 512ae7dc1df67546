"""Our values as the HTTP library's, and its exceptions as ours: the only file that imports httpx."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from modelhub.errors import ConfigError, ModelhubError
from modelhub.http import origin
from modelhub.transport import failures
from modelhub.transport.distrust import distrust
from modelhub.transport.outgoing import header_fields
from modelhub.transport.pool import Pool
from modelhub.transport.shelf import Limits

if TYPE_CHECKING:
    from modelhub.http import HttpRequest
    from modelhub.transport.clock import Clock

__all__ = ["FAILURES", "AsyncTransport", "Limits", "Transport", "outgoing", "translated"]

FAILURES = (httpx.HTTPError, httpx.InvalidURL, ConfigError)
"""What a step of an exchange may raise, for ``translated``."""


class Transport(httpx.HTTPTransport):
    """The library's blocking transport, over our pool."""

    def __init__(self, limits: Limits) -> None:
        self._pool: Any = Pool(limits)

    def abandon(self) -> None:
        """Close the sockets without a lock: after a fork, another thread's lock is held for ever."""
        self._pool.abandon()


class AsyncTransport(httpx.AsyncHTTPTransport):
    """The library's asynchronous transport, over our pool."""

    def __init__(self, limits: Limits) -> None:
        from modelhub.transport.async_pool import AsyncPool  # and with it asyncio, which blocking callers never need

        self._pool: Any = AsyncPool(limits)


def outgoing(request: HttpRequest, clock: Clock) -> httpx.Request:
    """The request as the library wants it, keys revealed: use it inside an expression and keep it nowhere."""
    return httpx.Request(
        request.method,
        _parsed(request.url),
        headers=header_fields(request),
        content=request.body,
        extensions={
            "timeout": {"connect": clock, "read": clock, "write": clock, "pool": clock.left()},
            "route": request.route,
        },
    )


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (ValueError, TypeError):  # a lone surrogate, say
        raise httpx.InvalidURL("") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise httpx.UnsupportedProtocol("")
    return parsed


def translated(error: Exception, request: HttpRequest, clock: Clock) -> ModelhubError:
    """Our error for the library's. Raise it outside the ``except``: the library's holds the request, and that holds keys.

    An error of ours, about the configuration of the way, comes back without the frames that it passed through.
    """
    if isinstance(error, ModelhubError):
        return error.with_traceback(None)
    if (refusal := distrust(error, request)) is not None:
        return refusal
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error, request.url, clock)
    return failures.broken(request.url, type(error).__name__, sent=clock.sent)


_MEANINGS: tuple[
    tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Exception, str, Clock], ModelhubError]], ...
] = (
    (httpx.TimeoutException, lambda _, url, clock: clock.timed_out(origin(url))),
    ((httpx.InvalidURL, httpx.UnsupportedProtocol), lambda _error, url, _clock: failures.invalid_address(url)),
    ((httpx.ConnectError, httpx.ProxyError), lambda error, url, _: failures.unconnected(url, str(error))),
    (httpx.LocalProtocolError, lambda _error, url, _: failures.broken(url, "the request breaks HTTP's rules", sent=False)),
    (httpx.DecodingError, lambda error, url, _: failures.undecodable(url, str(error))),
    (httpx.HTTPError, lambda error, url, clock: failures.broken(url, str(error), sent=clock.sent)),
)
