"""One connection of an event loop: made when it is first needed, used for one request after another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpcore

from modelhub.transport.dialogue import Dialogue
from modelhub.transport.unpacking import unpacker

if TYPE_CHECKING:
    import ssl

    from modelhub.transport.outgoing import Outgoing

__all__ = ["AsyncAnswer", "AsyncConnection"]

_PIECE = 256 * 1024


class AsyncConnection:
    """A connection to one host, over whatever the network backend connects with, or over a stream that stands already."""

    def __init__(
        self,
        backend: httpcore.AsyncNetworkBackend,
        context: ssl.SSLContext | None = None,
        stream: httpcore.AsyncNetworkStream | None = None,
    ) -> None:
        self._backend = backend
        self._context = context
        self._stream = stream
        self._dialogue = Dialogue()
        self.idle = False
        """Whether it stands ready for another request."""
        self.closed = False
        """Whether it serves no more."""

    async def send(self, request: Outgoing) -> AsyncAnswer:
        """Send, and wait for the headers. What fails on the way closes the connection."""
        self.idle = False
        try:
            stream = self._stream or await self._connected(request)
            await self._say(request, stream)
            while (head := self._dialogue.head()) is None:
                self._dialogue.receive(await stream.read(_PIECE, request.clock))
        except BaseException:
            await self.aclose()
            raise
        return AsyncAnswer(*head, self, request.clock)

    async def _connected(self, request: Outgoing) -> httpcore.AsyncNetworkStream:
        _, host, port, _ = request.place
        self._stream = stream = await self._backend.connect_tcp(host, port, request.clock)
        if self._context is not None:
            self._stream = stream = await stream.start_tls(self._context, host, request.clock)
        return stream

    async def _say(self, request: Outgoing, stream: httpcore.AsyncNetworkStream) -> None:
        """Write the request. What is written holds keys, and is in no frame any more when the answer is waited for."""
        try:
            for piece in self._dialogue.request(request):
                await stream.write(piece, request.clock)
        except httpcore.WriteError:  # the server may have answered before it hung up
            self._dialogue.cut()

    async def piece(self, clock: Any) -> bytes:
        """What comes next of the body; nothing at its end."""
        dialogue, stream = self._dialogue, self._stream
        assert stream is not None
        while not (piece := dialogue.body()) and not dialogue.ended:
            dialogue.receive(await stream.read(_PIECE, clock))
        return piece

    async def finish(self) -> None:
        """Nobody wants more of the response: be ready for another request, or be closed."""
        self.idle = self._dialogue.ended and not self.closed and self._dialogue.again()
        if not self.idle:
            await self.aclose()

    def forsaken(self) -> bool:
        """Whether the server has closed it while it stood idle, or said what nobody asked for."""
        return self._stream is None or bool(self._stream.get_extra_info("is_readable"))

    async def aclose(self) -> None:
        """End it, whatever it is doing."""
        self.closed = True
        self._dialogue.close()
        if self._stream is not None:
            await self._stream.aclose()


class AsyncAnswer:
    """A response whose body is still to be read."""

    __slots__ = ("_clock", "_connection", "_unpacker", "fields", "freed", "status")

    def __init__(self, status: int, fields: list[tuple[bytes, bytes]], connection: AsyncConnection, clock: Any) -> None:
        self.status = status
        self.fields = fields
        self.freed: Callable[[], Awaitable[None]] | None = None
        """Called when the connection is free again, or closed."""
        self._connection = connection
        self._clock = clock
        self._unpacker = unpacker(fields)

    async def piece(self) -> bytes:
        """What comes next of the body, unpacked; nothing at its end."""
        while data := await self._connection.piece(self._clock):
            if unpacked := data if self._unpacker is None else self._unpacker.feed(data):
                return unpacked
        rest, self._unpacker = self._unpacker, None
        return b"" if rest is None else rest.close()

    async def read(self) -> bytes:
        """All of the body that is left."""
        pieces = []
        while piece := await self.piece():
            pieces.append(piece)
        return b"".join(pieces)

    async def aclose(self) -> None:
        """Free the connection, or close it where the body was not read to its end. Once is enough."""
        freed, self.freed = self.freed, None
        if freed is not None:
            try:
                await self._connection.finish()
            finally:
                await freed()
