"""Where Ollama is: ``base_url``, else ``OLLAMA_HOST`` in any of its spellings, else this machine."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from modelhub.plugin import ConfigError, shown

__all__ = ["base_url", "spelled_out"]

_PORTS = {"http": 80, "https": 443}
_PORT = 11434
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # what a server listens on, no client can ask


def base_url(given: str | None, provider: str) -> str:
    """The address that ``api/chat`` is put behind. Raises ``ConfigError`` where it is none.

    ``OLLAMA_HOST`` is read as Ollama reads it itself: ``10.0.0.5``, ``:8080``, ``https://host/path``. The address of all
    interfaces, at which a server is told to listen, is this machine.
    """
    if given and given.strip():
        return _checked(given, f"[providers.{provider}] base_url")
    told = os.environ.get("OLLAMA_HOST", "").strip().strip("\"'")
    return _checked(told, "OLLAMA_HOST") if told else "http://localhost:11434"


def _checked(address: str, where: str) -> str:
    try:
        return spelled_out(address)
    except ValueError:
        message = f"{where} is {shown(address)!r}, which is no address: write http://localhost:11434, or host:port."
    raise ConfigError(message)


def spelled_out(address: str) -> str:
    """``scheme://host:port/path`` of an address that may lack any of its parts. Raises ``ValueError``.

    What is put behind it by habit, ``/v1`` for the other dialect or ``/api``, is taken away.
    """
    scheme, slashes, rest = address.strip().partition("://")
    scheme, rest = (scheme.lower(), rest) if slashes else ("http", scheme)
    if scheme not in _PORTS:
        raise ValueError(scheme)
    parts = urlsplit(f"{scheme}://{rest}")
    if parts.query or parts.fragment or " " in parts.netloc:
        raise ValueError(rest)
    host = parts.hostname or ""
    host = _ANYWHERE.get(host, host)
    port = parts.port or (_PORTS[scheme] if slashes else _PORT)
    user, at, _ = parts.netloc.rpartition("@")
    path = parts.path.rstrip("/")
    for habit in ("/v1", "/api"):
        path = path.removesuffix(habit)
    return f"{scheme}://{user}{at}{f'[{host}]' if ':' in host else host}:{port}{path}"
