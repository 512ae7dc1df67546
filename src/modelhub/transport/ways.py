"""The way to a host: the certificates and the proxy of a connection that is about to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelhub.transport.proxies import Proxy, proxy_for

if TYPE_CHECKING:
    import ssl

    from modelhub.route import Route

__all__ = ["Place", "Way", "is_known", "way_to"]

Place = tuple[str, str, int, "Route | None"]
"""Where a connection leads, and by which route."""


class Way(NamedTuple):
    """How a connection to a place is made. No context: without TLS."""

    context: ssl.SSLContext | None
    proxy: Proxy | None
    proxy_context: ssl.SSLContext | None


def way_to(place: Place) -> Way:
    """The way as it is now. The first one reads certificates, which takes a while. Raises ``ConfigError``."""
    scheme, *_, route = place
    proxy = _proxy(place)
    return Way(_context(scheme == "https", route), proxy, _context(proxy is not None and proxy.scheme == "https", route))


def is_known(place: Place) -> bool:
    """Whether ``way_to`` would answer without reading anything."""
    scheme, *_, route = place
    if scheme != "https" and getattr(_proxy(place), "scheme", "http") != "https":
        return True
    from modelhub.transport.trust import known_context

    return known_context(route) is not None


def _proxy(place: Place) -> Proxy | None:
    scheme, host, port, route = place
    return proxy_for(scheme, host, port, route)


def _context(wanted: bool, route: Route | None) -> ssl.SSLContext | None:
    if not wanted:
        return None
    from modelhub.transport.trust import tls_context

    return tls_context(route)
