"""One connection of a fault server: requests are read and answered, or not, until somebody closes it."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence

from modelhub.http import Headers
from modelhub.testing.script import Received, Reply

__all__ = ["Conversation"]

_RESET = struct.pack("ii", 1, 0)


class _Gone(Exception):
    """The client has closed the connection, or the server is closing."""


class Conversation:
    """One connection: requests are read and answered until somebody closes it."""

    def __init__(
        self, client: socket.socket, number: int, answer_to: Callable[[Received], Reply], idle_close: float | None
    ) -> None:
        self._client = client
        self._number = number
        self._answer_to = answer_to
        self._idle_close = idle_close
        self._buffer = b""
        self._received: list[Received] = []

    def run(self) -> None:
        try:
            while (received := self._request()) is not None:
                self._received.append(received)
                if not self._answered(self._answer_to(received)):
                    return
        except (_Gone, OSError):
            pass
        finally:
            self._client.close()  # before anybody is told that it is
            for received in self._received:
                received.mark_gone()

    def _request(self) -> Received | None:
        head = self._head()
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = Headers([(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)])
        body = self._exactly(int(headers.get("content-length", "0")))
        return Received(method, path, headers, body, time.monotonic(), self._number)

    def _head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._buffer:
            if not self._readable(self._idle_close) or not self._read():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not self._read():
                raise _Gone
        body, self._buffer = self._buffer[:count], self._buffer[count:]
        return body

    def _read(self) -> bool:
        data = self._client.recv(65536)
        self._buffer += data
        return bool(data)

    def _readable(self, seconds: float | None) -> bool:
        if isinstance(self._client, ssl.SSLSocket) and self._client.pending():
            return True
        return bool(select.select([self._client], [], [], seconds)[0])

    def _pause(self, seconds: float | None) -> None:
        """Wait, and leave at once when the client goes."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or (left := deadline - time.monotonic()) > 0:
            if self._readable(None if deadline is None else left) and not self._read():
                raise _Gone

    def _answered(self, reply: Reply) -> bool:
        """Whether the connection may be used again."""
        self._pause(reply.delay)
        if reply.fault and reply.at == "headers":
            return self._trouble(reply)
        self._client.sendall(_head_of(reply))
        self._pause(reply.first_delay)
        if reply.fault and reply.at == "first":
            return self._trouble(reply)
        if reply.chunks is None:
            return self._whole(reply)
        return self._in_chunks(reply, reply.chunks)

    def _whole(self, reply: Reply) -> bool:
        body = reply.content()
        if reply.fault:
            self._client.sendall(body[: len(body) // 2])
            return self._trouble(reply)
        self._client.sendall(body)
        return not reply.close

    def _in_chunks(self, reply: Reply, chunks: Sequence[bytes]) -> bool:
        for index, chunk in enumerate(chunks):
            self._pause(reply.chunk_delay if index else 0.0)
            self._client.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            if reply.fault:
                return self._trouble(reply)
        self._client.sendall(b"0\r\n\r\n")
        return not reply.close

    def _trouble(self, reply: Reply) -> bool:
        if reply.fault == "stall":
            self._pause(None)
        if reply.fault == "reset":
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return False


def _head_of(reply: Reply) -> bytes:
    headers = {"content-type": "application/json", **{name.lower(): value for name, value in reply.headers.items()}}
    if reply.chunks is None:
        headers["content-length"] = str(len(reply.content()) if reply.length is None else reply.length)
    else:
        headers["transfer-encoding"] = "chunked"
    if reply.close:
        headers["connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
