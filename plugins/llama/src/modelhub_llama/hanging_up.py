"""The loopback connections of an engine, cut from this side: llama.cpp ends only when nobody is connected any more."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Iterator

__all__ = ["close_copies", "hang_up"]

_PAUSE = 0.005


def hang_up(port: int, patience: float) -> None:
    """Cut what is connected to a port of this process, and wait, at most so many seconds, until the engine has noticed.

    It looks at a request that has begun after each token, and at one that waits for its turn once a second. On a system that
    does not list a process's files, nothing happens.
    """
    until = time.monotonic() + patience
    while _cut(port) and time.monotonic() < until:
        time.sleep(_PAUSE)


def close_copies(port: int) -> None:
    """In a forked child: close its copies of the engine's sockets, so that the parent's connections end when they end there."""
    for number in _numbers():
        if _is_of(number, port):
            os.close(number)


def _cut(port: int) -> bool:
    """Whether anybody was connected."""
    found = False
    for number in _numbers():
        if _is_of(number, port) and _shut(number):
            found = True
    return found


def _numbers() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd") if name.isdecimal()]
    except OSError:
        return []


def _is_of(number: int, port: int) -> bool:
    """Whether the file is a socket of the engine's side."""
    return any(_local_port(copy) == port for copy in _socket(number))


def _shut(number: int) -> bool:
    """End both directions; ``False`` for the socket that listens, which is connected to nobody."""
    for copy in _socket(number):
        try:
            copy.getpeername()
            copy.shutdown(socket.SHUT_RDWR)
        except OSError:
            return _is_half_closed(copy)
        return True
    return False


def _is_half_closed(copy: socket.socket) -> bool:
    """Whether it was connected, and the engine has yet to close it."""
    return not copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def _local_port(copy: socket.socket) -> int | None:
    try:
        name = copy.getsockname()
    except OSError:
        return None
    return name[1] if isinstance(name, tuple) and len(name) > 1 else None


def _socket(number: int) -> Iterator[socket.socket]:
    """The file as a socket, for a moment and as a copy, if it is one."""
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return
        copy = socket.socket(fileno=os.dup(number))
    except OSError:
        return
    with copy:
        yield copy
