"""A guard on sockets: while it stands, whoever reaches out gets an exception instead of a connection."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

__all__ = ["Reached", "guarded"]

Reach = Literal["loopback", "nowhere"]
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")
_EVENTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"})
_standing: list[Reach] = []
_installed = False


class Reached(AssertionError):
    """Something reached out of this machine, or out of a function that must not reach out at all."""


@contextmanager
def guarded(reach: Reach = "loopback") -> Iterator[None]:
    """While this stands, connections may go to this machine only (``loopback``), or no socket may be made (``nowhere``)."""
    _install()
    _standing.append(reach)
    try:
        yield
    finally:
        _standing.remove(reach)


def _install() -> None:
    """An audit hook stays for the process's life, so there is one, and it sleeps while no guard stands."""
    global _installed
    if not _installed:
        sys.addaudithook(_watch)
        _installed = True


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _standing or not event.startswith("socket."):
        return
    if "nowhere" in _standing and (event in _EVENTS or event == "socket.__new__"):
        raise Reached(f"{event} was called where no socket may be used: keep build, parse and decoder free of I/O.")
    if event in _EVENTS and not _near(_host(event, arguments)):
        where = f"{event} to {_host(event, arguments)!r}"
        raise Reached(f"A test reached out of this machine ({where}): use FakeRuntime, FaultServer or a recording.")


def _host(event: str, arguments: tuple[Any, ...]) -> Any:
    address = arguments[1] if event in ("socket.connect", "socket.sendto", "socket.sendmsg") else arguments[0]
    return address[0] if isinstance(address, tuple) else address


def _near(host: Any) -> bool:
    """A name is near when it is this machine's; so is the path of a Unix socket, and no address at all."""
    if host is None or isinstance(host, int):
        return True
    text = host.decode("utf-8", "replace") if isinstance(host, bytes) else str(host)
    return text == "" or text.startswith(("/", "\x00", *_LOOPBACK))
