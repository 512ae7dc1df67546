"""Which proxy a connection goes through: a route's own, or what the environment says when the connection is made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import unquote

from modelhub.errors import ConfigError
from modelhub.http import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelhub.route import Route

__all__ = ["Proxy", "proxy_for"]

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_PORTS = {"http": 80, "https": 443}


class Proxy:
    """Where a proxy is, and what it is told of us. Shows nobody more than its address."""

    __slots__ = ("authorization", "host", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: int, authorization: bytes | None = None) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.authorization = authorization

    def __repr__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def proxy_for(
    scheme: str, host: str, port: int | None, route: Route | None, environment: Mapping[str, str] = os.environ
) -> Proxy | None:
    """The proxy on the way to this host. Raises ``ConfigError`` for an address that is none, never showing a password."""
    given = None if route is None else route.proxy
    if given is not None:
        return None if given == "none" else _read("proxy", given)
    if not any(name in environment for name in _VARIABLES):
        return None
    if _left_out(host, port or _PORTS[scheme], _value("no_proxy", environment)):
        return None
    for name in (f"{scheme}_proxy", "all_proxy"):
        if address := _value(name, environment):
            return _read(name.upper(), address)
    return None


def _value(name: str, environment: Mapping[str, str]) -> str:
    """The variable in lower case, else in upper."""
    if name in environment:
        return environment[name].strip()
    if name == "http_proxy" and "REQUEST_METHOD" in environment:
        return ""  # a CGI script's HTTP_PROXY is whatever a stranger sent as the header `Proxy`
    return environment.get(name.upper(), "").strip()


def _read(name: str, address: str) -> Proxy:
    scheme, slashes, rest = address.partition("://")
    if not slashes:
        scheme, rest = "http", address
    scheme = scheme.lower()
    credentials, _, place = rest.rstrip("/").rpartition("@")
    host, port = _host_and_port(place)
    if scheme not in _PORTS:
        kind = scheme if scheme.isalnum() else "another kind"
        raise ConfigError(f"{name} names a proxy of the kind {kind!r}: only http:// and https:// proxies can be used.")
    if not host or "/" in place or (port and not _is_port(port)):
        raise ConfigError(f"{name} ({origin(address)}) is not the address of a proxy: write http://host:port.")
    return Proxy(scheme, host, int(port) if port else _PORTS[scheme], _basic(credentials))


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host, port


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def _basic(credentials: str) -> bytes | None:
    if not credentials:
        return None
    import base64

    user, _, password = credentials.partition(":")
    return b"Basic " + base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode())


def _left_out(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names the host: itself, a domain above it, a network that its address lies in, or ``*``."""
    name = host.lower().rstrip(".").strip("[]")
    return any(_matches(entry.lower(), name, port) for entry in no_proxy.replace(",", " ").split())


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(host, entry)
    if entry.count(":") > 1 and not entry.startswith("["):  # an IPv6 address without brackets has no port
        place, only = entry, ""
    else:
        place, only = _host_and_port(entry)
    if only and only != str(port):
        return False
    domain = place.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or (host.endswith("." + domain) and not _is_address(host)))


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _in_network(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
