"""The way to a host: the certificates and the proxy of a connection that is about to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelhub.transport.proxies import Proxy, proxy_for

if TYPE_CHECKING:
    import ssl

    import httpcore

    from modelhub.route import Route

__all__ = ["Place", "Way", "is_known", "place_of", "way_to"]

Place = tuple[bytes, bytes, int | None, "Route | None"]
"""Where a connection leads, and by which route."""


class Way(NamedTuple):
    """How a connection to a place is made. No context: without TLS."""

    context: ssl.SSLContext | None
    proxy: Proxy | None
    proxy_context: ssl.SSLContext | None


def place_of(request: httpcore.Request) -> Place:
    """Where a request goes, and by which route."""
    url = request.url
    return url.scheme, url.host, url.port, request.extensions["route"]


def way_to(place: Place) -> Way:
    """The way as it is now. The first one reads certificates, which takes a while. Raises ``ConfigError``."""
    scheme, *_, route = place
    proxy = _proxy(place)
    return Way(_context(scheme == b"https", route), proxy, _context(proxy is not None and proxy.scheme == "https", route))


def is_known(place: Place) -> bool:
    """Whether ``way_to`` would answer without reading anything."""
    scheme, *_, route = place
    if scheme != b"https" and getattr(_proxy(place), "scheme", "http") != "https":
        return True
    from modelhub.transport.trust import known_context

    return known_context(route) is not None


def _proxy(place: Place) -> Proxy | None:
    scheme, host, port, route = place
    return proxy_for(scheme.decode(), host.decode(), port, route)


def _context(wanted: bool, route: Route | None) -> ssl.SSLContext | None:
    if not wanted:
        return None
    from modelhub.transport.trust import tls_context

    return tls_context(route)
