"""A route: how a host is reached where the machine's own settings do not suffice."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Route"]


@dataclass(frozen=True, slots=True, repr=False)
class Route:
    """Certificates and a proxy for one provider. Connections of different routes are never shared.

    ``ca_bundle`` is a PEM file of authorities trusted beside the machine's own, which it replaces in nothing.
    ``client_certificate`` (a PEM file) and ``client_key`` (where the certificate's file does not hold it) prove who we are.
    ``proxy`` is an ``http://`` or ``https://`` address, ``"none"`` for no proxy whatever the environment says; left out,
    ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are heeded. The address may hold a user and a password: they
    are shown nowhere, and a route that has them is not pickled.
    """

    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None

    def __repr__(self) -> str:
        shown = {
            "ca_bundle": self.ca_bundle,
            "client_certificate": self.client_certificate,
            "client_key": self.client_key and "...",
            "proxy": self.proxy and _without_credentials(self.proxy),
        }
        return f"Route({', '.join(f'{name}={value!r}' for name, value in shown.items() if value)})"

    def __reduce__(self) -> tuple[type[Route], tuple[str | None, ...]]:
        if self.proxy and "@" in self.proxy:
            raise TypeError("A proxy's password is not pickled. Leave it in the environment (HTTPS_PROXY) instead.")
        return Route, (self.ca_bundle, self.client_certificate, self.client_key, self.proxy)


def _without_credentials(address: str) -> str:
    scheme, slashes, rest = address.rpartition("://")
    return scheme.partition("://")[0] + slashes + rest.rpartition("@")[2]
