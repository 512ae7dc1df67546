"""Which certificates are trusted, and which is shown: one TLS context per configuration for the whole process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Never

from modelhub.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from modelhub.route import Route

__all__ = ["known_context", "stores", "tls_context"]

_ENVIRONMENT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_Configuration = tuple[str | None, ...]
_contexts: dict[_Configuration, tuple[list[int], ssl.SSLContext]] = {}
_lock = threading.Lock()


def tls_context(route: Route | None = None) -> ssl.SSLContext:
    """The process's one context for this configuration; verification cannot be switched off.

    Trusted are the machine's own authorities, or those that come with Python's ``certifi`` where it has none, and beside them
    those of ``SSL_CERT_FILE``, ``SSL_CERT_DIR``, ``REQUESTS_CA_BUNDLE`` and the route's ``ca_bundle``. A file of the
    configuration that has changed is read anew. Raises ``ConfigError`` where one cannot be read.
    """
    found = known_context(route)
    if found is not None:
        return found
    with _lock:
        configuration = _configuration(route)
        changed = _changed(configuration)
        kept = _contexts.get(configuration)
        if kept is None or kept[0] != changed:
            kept = _contexts[configuration] = changed, _made(configuration)
        return kept[1]


def known_context(route: Route | None) -> ssl.SSLContext | None:
    """The context, if it was made before and still holds: an event loop asks this first, because making one takes a while."""
    configuration = _configuration(route)
    kept = _contexts.get(configuration)
    return None if kept is None or kept[0] != _changed(configuration) else kept[1]


def stores(route: Route | None) -> str:
    """What is trusted, for a message: ``the system's store, ca_bundle=/etc/company.pem``."""
    configuration = _configuration(route)
    named = zip(("ca_bundle", *_ENVIRONMENT), (configuration[0], *configuration[3:]), strict=True)
    return ", ".join(["the system's store", *(f"{name}={value}" for name, value in named if value)])


def _configuration(route: Route | None) -> _Configuration:
    own = (None, None, None) if route is None else (route.ca_bundle, route.client_certificate, route.client_key)
    return (*own, *map(os.environ.get, _ENVIRONMENT))


def _changed(configuration: _Configuration) -> list[int]:
    """When each of the files was last written; a certificate that is renewed in its place is heeded."""
    return [_modified(path) for path in configuration if path]


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return 0


def _made(configuration: _Configuration) -> ssl.SSLContext:
    import ssl

    bundle, certificate, key, file, folder, other = configuration
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # these two as curl has them, and alike in every version of Python:
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # many companies' authorities lack what strictness asks for
    loaded = {os.path.realpath(path) for path in (file, folder) if path}
    _add_machines(context, loaded)
    for name, path in (("REQUESTS_CA_BUNDLE", other), ("ca_bundle", bundle)):
        if path and os.path.realpath(path) not in loaded:
            _add(context, name, path)
    if certificate:
        _prove(context, certificate, key)
    elif key:
        raise ConfigError("client_key is set without client_certificate: name the certificate that it belongs to.")
    return context


def _add_machines(context: ssl.SSLContext, overriding: set[str]) -> None:
    """The machine's own authorities, which ``SSL_CERT_FILE`` would else take the place of; where it has none, the shipped."""
    import ssl

    paths = ssl.get_default_verify_paths()
    file = paths.openssl_cafile if os.path.isfile(paths.openssl_cafile) else None
    folder = paths.openssl_capath if os.path.isdir(paths.openssl_capath) and os.listdir(paths.openssl_capath) else None
    for kind, path in (("cafile", file), ("capath", folder)):
        if path and overriding and os.path.realpath(path) not in overriding:
            context.load_verify_locations(**{kind: path})
    if not (file or folder) and (overriding or not context.cert_store_stats()["x509_ca"]):
        _add_shipped(context)


def _add_shipped(context: ssl.SSLContext) -> None:
    try:
        import certifi
    except ImportError:
        return
    context.load_verify_locations(certifi.where())


def _add(context: ssl.SSLContext, name: str, path: str) -> None:
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}: the certificates in {path} cannot be read: {_reason(error)}.") from None


def _prove(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Show who we are. A key's path and a key's text are told to nobody."""
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        held = "client_key" if key else "a private key beside it (or `client_key`)"
        reason = f"client_certificate {certificate} with {held} cannot be used: {_reason(error)}."
    else:
        return
    raise ConfigError(f"{reason} Both are PEM files, and they belong together.")


def _no_password() -> Never:
    """Called where the key is encrypted; without this, a terminal would be asked, and a service would hang."""
    raise ValueError("the key is encrypted, which is not supported: decrypt it, and let nobody else read the file")


def _reason(error: Exception) -> str:
    """Without the path, which the library may put into its own text."""
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
