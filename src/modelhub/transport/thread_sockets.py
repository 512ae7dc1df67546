"""Sockets that the calling thread waits for: the network backend beneath blocking connections.

What is half made when somebody presses Ctrl-C is closed here, and not whenever Python finds it.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import httpcore

__all__ = ["SocketBackend", "has_news"]

T = TypeVar("T")
_RECORD = 16384


class SocketBackend(httpcore.NetworkBackend):
    """Connects to addresses."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  # what is needed is set
    ) -> httpcore.NetworkStream:
        with _connecting():
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.settimeout(timeout)
                if local_address is not None:
                    made.bind((local_address, 0))
                made.connect((host, port))
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except BaseException:
                made.close()
                raise
        return _Stream(made)


class _Stream(httpcore.NetworkStream):
    """One connection, with or without TLS."""

    def __init__(self, kept: socket.socket | _Inside) -> None:
        self._socket = kept

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with _connecting():
            plain = self._socket
            plain.settimeout(timeout)
            if isinstance(plain, ssl.SSLSocket):
                secured: ssl.SSLSocket | _Inside = _Inside(plain, ssl_context, server_hostname)
            else:
                assert isinstance(plain, socket.socket)
                secured = ssl_context.wrap_socket(plain, server_hostname=server_hostname, do_handshake_on_connect=False)
            try:
                secured.do_handshake()
            except BaseException:
                secured.close()
                raise
        return _Stream(secured)

    def get_extra_info(self, info: str) -> Any:
        kept = self._socket.outer if isinstance(self._socket, _Inside) else self._socket
        match info:
            case "socket":
                return kept
            case "is_readable":
                return has_news(kept)
            case _:
                return None


class _Inside:
    """TLS inside TLS, as a socket: to a host, through a proxy that speaks TLS itself."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, hostname: str | None) -> None:
        self.outer = outer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)

    def settimeout(self, seconds: float | None) -> None:
        self.outer.settimeout(seconds)

    def do_handshake(self) -> None:
        self._through(self._inner.do_handshake)

    def recv(self, most: int) -> bytes:
        try:
            return self._through(lambda: self._inner.read(most))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._through(partial(self._inner.write, rest)) :]

    def close(self) -> None:
        self.outer.close()

    def _through(self, step: Callable[[], T]) -> T:
        """Do the step, as often as it takes; what it wants to send and to receive goes through the outer connection."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                if data := self.outer.recv(_RECORD):
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if waiting := self._outgoing.read():
            self.outer.sendall(waiting)


def has_news(kept: Any) -> bool:
    """Whether something has come that nobody has read: on an idle connection, its end as a rule."""
    if not hasattr(select, "poll"):
        return bool(select.select([kept], [], [], 0)[0])
    poll = select.poll()
    poll.register(kept, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _connecting() -> Iterator[None]:
    """The library's exceptions for the system's."""
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
