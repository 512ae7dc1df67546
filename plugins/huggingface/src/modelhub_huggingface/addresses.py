"""The addresses that the options hold: what is one, and what of it may be seen. A password may stand in each."""

from __future__ import annotations

from urllib.parse import urlsplit

from modelhub.plugin import ConfigError, shown

__all__ = ["checked", "host"]


def checked(url: str, place: str) -> str:
    """The address, without what stands around it. Raises ``ConfigError``, which names its place, where it is none."""
    url = url.strip()
    seen = f"{place} is {shown(url).partition('?')[0]!r}"
    if not url.lower().startswith(("http://", "https://")) or not _is_sound(url):
        raise ConfigError(f"{seen}: it must begin with http:// or https://, and name a host.")
    if "?" in url or "#" in url:
        raise ConfigError(f"{seen} and more: this address has no ? and no # in it.")
    return url.rstrip("/")


def host(url: str) -> str:
    """Its host, with the port: what a card tells of where data goes. Empty for what has none."""
    return shown(url).partition("://")[2].partition("/")[0]


def _is_sound(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not any(letter.isspace() for letter in parts.netloc)
    except ValueError:  # brackets that do not close, a port that is no number
        return False
