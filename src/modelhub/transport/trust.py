"""Which certificates are trusted: one TLS context per trust configuration for the whole process, made when first needed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.errors import ConfigError

if TYPE_CHECKING:
    import ssl

__all__ = ["Trust", "tls_context"]

_ENVIRONMENT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_contexts: dict[tuple[object, ...], ssl.SSLContext] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to trust: the machine's own certificates, or those that come with Python where it has none, and ``ca_bundle``.

    ``ca_bundle`` is a PEM file; it is added and replaces nothing, so a company's certificate does not lock out the others.
    ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` and ``REQUESTS_CA_BUNDLE`` are honoured. Verification cannot be switched off.
    """

    ca_bundle: str | None = None


def tls_context(trust: Trust | None = None) -> ssl.SSLContext:
    """The process's one context for this configuration. Raises ``ConfigError`` where a bundle cannot be read."""
    trust = trust or Trust()
    key = (trust, *map(os.environ.get, _ENVIRONMENT))
    with _lock:
        if key not in _contexts:
            _contexts[key] = _made(trust)
        return _contexts[key]


def _made(trust: Trust) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        _add_shipped(context)
    for bundle in (os.environ.get("REQUESTS_CA_BUNDLE"), trust.ca_bundle):
        if bundle:
            _add(context, bundle)
    return context


def _add(context: ssl.SSLContext, bundle: str) -> None:
    try:
        context.load_verify_locations(bundle)
    except OSError as error:
        raise ConfigError(f"The certificates in {bundle} cannot be read: {error.strerror or error}.") from None


def _add_shipped(context: ssl.SSLContext) -> None:
    try:
        import certifi
    except ImportError:
        return
    context.load_verify_locations(certifi.where())


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
