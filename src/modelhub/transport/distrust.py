"""A connection that one of the two sides did not trust: what was trusted, and which setting changes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelhub.errors import Unreachable
from modelhub.http import origin

if TYPE_CHECKING:
    import ssl

    from modelhub.http import HttpRequest

__all__ = ["distrust"]

_MISTRUSTED = re.compile(r"ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)")
_OTHER_NAME = (62, 64)
"""The library's numbers for a certificate of another host, and of another address."""


def distrust(error: Exception, request: HttpRequest) -> Unreachable | None:
    """The error that tells of certificates, where they are what went wrong; nothing was served then, whatever was sent."""
    for cause in _causes(error):
        if type(cause).__name__ == "SSLCertVerificationError":
            return Unreachable(_theirs(cause, request))  # type: ignore[arg-type]
        if _MISTRUSTED.search(getattr(cause, "reason", None) or ""):
            return Unreachable(_ours(cause, request))
    return None


def _theirs(cause: ssl.SSLCertVerificationError, request: HttpRequest) -> str:
    from modelhub.transport.trust import stores

    said = f"Cannot connect to {origin(request.url)}: its certificate was refused ({cause.verify_message.rstrip('.')})."
    if cause.verify_code in _OTHER_NAME:
        return f"{said} Check the address: the certificate is another host's."
    return (
        f"{said} Trusted are: {stores(request.route)}. If a company's own authority signed it, name that authority's PEM file "
        "as `ca_bundle` of the provider, or in SSL_CERT_FILE."
    )


def _ours(cause: BaseException, request: HttpRequest) -> str:
    shown = "the one named by" if request.route and request.route.client_certificate else "none was shown: set"
    return (
        f"{origin(request.url)} refused our client certificate ({getattr(cause, 'reason', '')}); {shown} "
        "`client_certificate` and `client_key` of the provider."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
