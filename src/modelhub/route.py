"""A route: how a host is reached where the machine's own settings do not suffice."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """Certificates and a proxy for one provider. Connections of different routes are never shared.

    ``ca_bundle`` is a PEM file of authorities trusted beside the machine's own, which it replaces in nothing.
    ``client_certificate`` (a PEM file) and ``client_key`` (where the certificate's file does not hold it) prove who we are.
    ``proxy`` is an ``http://`` or ``https://`` address, ``"none"`` for no proxy whatever the environment says; left out,
    ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are heeded.
    """

    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None
