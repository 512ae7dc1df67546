# ruff: noqa: ASYNC109  # the HTTP library names these parameters
"""Sockets whose every wait asks the exchange's clock: the network backends beneath both connection pools.

The HTTP library hands the ``timeout`` of a request down to each read and write untouched, but reads it only once for a whole
body. So what is handed down is not a number: it is the ``Clock``, which is asked anew at each step.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import httpcore

from modelhub.transport.clock import Clock
from modelhub.transport.delivery import unreceived
from modelhub.transport.thread_sockets import SocketBackend

__all__ = ["AsyncTimedBackend", "TimedBackend", "Wait", "seconds_to_connect"]

_SLICE = 256 * 1024
_ALWAYS = nullcontext()
Wait = Clock | float | None


def _seconds(wait: Wait, expired: type[Exception]) -> float | None:
    return _unexpired(wait.left(), expired) if isinstance(wait, Clock) else wait


def seconds_to_connect(wait: Wait) -> float | None:
    """What is left for making a connection. Raises the library's ``ConnectTimeout`` where nothing is."""
    return _unexpired(wait.left_to_connect(), httpcore.ConnectTimeout) if isinstance(wait, Clock) else wait


def _unexpired(seconds: float | None, expired: type[Exception]) -> float | None:
    if seconds == 0.0:
        raise expired
    return seconds


def _slices(buffer: bytes) -> Iterable[bytes]:
    if len(buffer) <= _SLICE:
        return (buffer,)
    return (buffer[start : start + _SLICE] for start in range(0, len(buffer), _SLICE))


class _noting_a_cut:  # noqa: N801  # read as a phrase; a class, because a generator would cost each write a microsecond
    """Tells the clock that something was not written whole."""

    __slots__ = ("_wait",)

    def __init__(self, wait: Wait) -> None:
        self._wait = wait

    def __enter__(self) -> None:
        """Nothing has gone wrong yet."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and isinstance(self._wait, Clock):
            self._wait.cut()


class TimedStream(httpcore.NetworkStream):
    """A blocking connection."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: Wait = None) -> bytes:
        if not isinstance(timeout, Clock):
            return self._inner.read(max_bytes, timeout)
        timeout.waiting()
        with self._stoppable(timeout):
            data = self._inner.read(max_bytes, _seconds(timeout, httpcore.ReadTimeout))
        if not data and unreceived(self._inner.get_extra_info("socket")):
            timeout.undelivered()
        return data

    def write(self, buffer: bytes, timeout: Wait = None) -> None:
        with self._stoppable(timeout), _noting_a_cut(timeout):
            for piece in _slices(buffer):
                self._inner.write(piece, _seconds(timeout, httpcore.WriteTimeout))

    def _stoppable(self, wait: Wait) -> AbstractContextManager[None]:
        stop = wait.stop if isinstance(wait, Clock) else None
        return _ALWAYS if stop is None else stop.stoppable(self._shut)

    def _shut(self) -> None:
        """End both directions, so that whoever reads or writes in another thread gets an error; the number stays taken."""
        try:
            socket.socket.shutdown(self._inner.get_extra_info("socket"), socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Wait = None
    ) -> httpcore.NetworkStream:
        try:
            return TimedStream(self._inner.start_tls(ssl_context, server_hostname, seconds_to_connect(timeout)))
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Makes blocking connections. Where a name has several addresses, each gets its share of the time."""

    def __init__(self) -> None:
        self._inner = SocketBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Wait = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if isinstance(timeout, Clock):
            timeout.connecting()
        addresses = _addresses(host, port)
        for left in range(len(addresses), 0, -1):
            seconds = seconds_to_connect(timeout)
            share = None if seconds is None else seconds / left
            try:
                return TimedStream(self._inner.connect_tcp(addresses[-left], port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class AsyncTimedStream(httpcore.AsyncNetworkStream):
    """A connection of an event loop."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: Wait = None) -> bytes:
        if isinstance(timeout, Clock):
            timeout.waiting()
        data = await self._inner.read(max_bytes, _seconds(timeout, httpcore.ReadTimeout))
        if not data and isinstance(timeout, Clock) and unreceived(self._inner.get_extra_info("socket")):
            timeout.undelivered()
        return data

    async def write(self, buffer: bytes, timeout: Wait = None) -> None:
        with _noting_a_cut(timeout):
            for piece in _slices(buffer):
                await self._inner.write(piece, _seconds(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: Wait = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return AsyncTimedStream(await self._inner.start_tls(ssl_context, server_hostname, seconds_to_connect(timeout)))
        except BaseException:  # a cancellation, too: nobody else knows of this connection yet
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class AsyncTimedBackend(httpcore.AsyncNetworkBackend):
    """Makes connections of an event loop."""

    def __init__(self) -> None:
        from modelhub.transport.loop_sockets import LoopBackend  # and with it asyncio, which blocking callers never need

        self._inner = LoopBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Wait = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if isinstance(timeout, Clock):
            timeout.connecting()
        seconds = seconds_to_connect(timeout)
        return AsyncTimedStream(await self._inner.connect_tcp(host, port, seconds, local_address, socket_options))
