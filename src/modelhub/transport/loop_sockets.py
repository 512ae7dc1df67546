# ruff: noqa: ASYNC109  # the HTTP library names these parameters
"""Sockets of asyncio itself: the network backend of an event loop. It reads what has come without a task, a lock or a scope."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import httpcore

from modelhub.transport.thread_sockets import has_news

if TYPE_CHECKING:
    import ssl

__all__ = ["LoopBackend"]

_ENOUGH = 1024 * 1024
"""Bytes that may wait to be read before the other side has to."""


class LoopBackend(httpcore.AsyncNetworkBackend):
    """Makes connections of the running event loop. Where a name has several addresses, each gets its share of the time."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  # the loop sets what is needed
    ) -> httpcore.AsyncNetworkStream:
        until = None if timeout is None else time.monotonic() + timeout
        addresses = await _addresses(host, port, timeout)
        for left in range(len(addresses), 0, -1):
            share = None if until is None else max(until - time.monotonic(), 0) / left
            try:
                return await _connected(addresses[-left], port, share, local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")


async def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    if ":" in host or host.replace(".", "").isdigit():
        return [host]
    try:
        async with asyncio.timeout(seconds) as limit:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _failed(error, limit) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def _connected(address: str, port: int, seconds: float | None, local: str | None) -> _Stream:
    loop = asyncio.get_running_loop()
    own = None if local is None else (local, 0)
    try:
        async with asyncio.timeout(seconds) as limit:
            _, conversation = await loop.create_connection(_Conversation, address, port, local_addr=own)
    except (OSError, UnicodeError) as error:
        raise _failed(error, limit) from error
    return _Stream(conversation)


def _failed(error: Exception, limit: asyncio.Timeout) -> Exception:
    return httpcore.ConnectTimeout() if limit.expired() else httpcore.ConnectError(str(error))


class _Conversation(asyncio.Protocol):
    """What the loop tells of one connection."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.loop = asyncio.get_running_loop()
        self.pieces: list[bytes] = []
        self.size = 0
        self.ended = False
        self.error: Exception | None = None
        self.full = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self.size += len(data)
        if self.size > _ENOUGH:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The other side has ended. A socket stays open, so that it can be asked what of ours has arrived; TLS never does."""
        self.ended = True
        self._wake()
        return self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = True
        self.error = self.error or error
        self._wake()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._wake()

    def taken(self) -> bytes:
        """What has come."""
        data = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        if self.size > _ENOUGH and not self.ended:
            self.transport.resume_reading()
        self.size = 0
        return data

    async def change(self, seconds: float | None, expired: type[Exception]) -> None:
        """Wait until the loop tells something, for no longer than so many seconds."""
        waiter = self._waiter = self.loop.create_future()
        timer = None if seconds is None else self.loop.call_later(seconds, _expire, waiter, expired)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _expire(waiter: asyncio.Future[None], expired: type[Exception]) -> None:
    if not waiter.done():
        waiter.set_exception(expired())


class _Stream(httpcore.AsyncNetworkStream):
    """A connection. ``read`` gives all that has come, however much it is asked for."""

    def __init__(self, conversation: _Conversation) -> None:
        self._conversation = conversation

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        conversation = self._conversation
        while not conversation.pieces:
            if conversation.error is not None:
                raise httpcore.ReadError(str(conversation.error)) from conversation.error
            if conversation.ended:
                return b""
            await conversation.change(timeout, httpcore.ReadTimeout)
        return conversation.taken()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        conversation = self._conversation
        if conversation.error is not None or conversation.transport.is_closing():
            raise httpcore.WriteError(str(conversation.error or "the connection is closed"))
        conversation.transport.write(buffer)
        while conversation.full and not conversation.ended:
            await conversation.change(timeout, httpcore.WriteTimeout)

    async def aclose(self) -> None:
        self._conversation.transport.abort()
        await asyncio.sleep(0)  # in which the loop closes the socket

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        conversation = self._conversation
        try:
            async with asyncio.timeout(timeout) as limit:
                conversation.transport = await conversation.loop.start_tls(
                    conversation.transport, conversation, ssl_context, server_hostname=server_hostname
                )
        except (OSError, TypeError) as error:  # SSLError is an OSError; asyncio before 3.11.8 stumbles when it is TLS in TLS
            raise _failed(error, limit) from error
        return self

    def get_extra_info(self, info: str) -> Any:
        conversation = self._conversation
        if info == "is_readable":
            ended = conversation.ended or bool(conversation.pieces) or conversation.transport.is_closing()
            return ended or has_news(conversation.transport.get_extra_info("socket"))
        return conversation.transport.get_extra_info(info)
