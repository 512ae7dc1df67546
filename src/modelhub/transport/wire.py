"""The HTTP library's exceptions as ours: what may go wrong between a request and its answer."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpcore

from modelhub.errors import ConfigError, ModelhubError
from modelhub.http import origin
from modelhub.transport import failures
from modelhub.transport.address import NoAddress
from modelhub.transport.distrust import distrust

if TYPE_CHECKING:
    from modelhub.http import HttpRequest
    from modelhub.transport.clock import Clock

__all__ = ["FAILURES", "translated"]

_LIBRARYS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError)
_SAFE = ("GET", "HEAD")
"""Requests that only ask: nothing was served for money, and they may be sent again."""
FAILURES = (*_LIBRARYS, zlib.error, NoAddress, ConfigError)
"""What a step of an exchange may raise, for ``translated``."""


def translated(error: Exception, request: HttpRequest, clock: Clock) -> ModelhubError:
    """Our error for the library's. Raise it outside the ``except``: what stands behind the library's may hold keys.

    An error of ours, about the configuration of the way, comes back without the frames that it passed through.
    """
    if isinstance(error, ModelhubError):
        return error.with_traceback(None)
    if (refusal := distrust(error, request)) is not None:
        return refusal
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error, request.url, clock)
    return failures.broken(request.url, str(error), sent=clock.sent and request.method not in _SAFE)


_MEANINGS: tuple[
    tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Exception, str, Clock], ModelhubError]], ...
] = (
    (httpcore.TimeoutException, lambda _, url, clock: clock.timed_out(origin(url))),
    (NoAddress, lambda _error, url, _clock: failures.invalid_address(url)),
    ((httpcore.ConnectError, httpcore.ProxyError), lambda error, url, _: failures.unconnected(url, str(error))),
    (httpcore.LocalProtocolError, lambda _error, url, _: failures.broken(url, "the request breaks HTTP's rules", sent=False)),
    (zlib.error, lambda error, url, _: failures.undecodable(url, str(error))),
)
