"""What a client and a server say to each other over one connection: HTTP/1.1 as bytes in and bytes out, without any waiting.

The grammar is h11's, the one beneath the HTTP library. Spoken directly it costs a fraction of what the library's connections
do, which serve HTTP/2, tracing and two kinds of event loops as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
import httpcore

if TYPE_CHECKING:
    from modelhub.transport.outgoing import Outgoing

__all__ = ["Dialogue"]

_LONGEST_HEAD = 128 * 1024
_TOGETHER = 64 * 1024
"""A body up to this size leaves with its head."""


class Dialogue:
    """Requests and responses in turn. Raises the library's ``LocalProtocolError`` and ``RemoteProtocolError``."""

    __slots__ = ("_machine", "ended")

    def __init__(self) -> None:
        self._machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self.ended = False
        """Whether the response has been read to its end."""

    def request(self, request: Outgoing) -> tuple[bytes, ...]:
        """The request as it is written. It holds keys: use it inside an expression, and keep it nowhere."""
        try:
            return self._written(request)
        except h11.LocalProtocolError as error:
            reason = str(error)
        raise httpcore.LocalProtocolError(reason)

    def _written(self, request: Outgoing) -> tuple[bytes, ...]:
        machine, body = self._machine, request.body
        self.ended = False
        head: Any = machine.send(h11.Request(method=request.method, target=request.target, headers=request.fields))
        data: Any = machine.send(h11.Data(data=body)) if body else b""
        machine.send(h11.EndOfMessage())  # of a length that was told, there is nothing to write
        return (head + data,) if len(data) <= _TOGETHER else (head, data)

    def receive(self, data: bytes) -> None:
        """Bytes have come; none at all: the server has ended the connection."""
        if not data and self._machine.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        self._machine.receive_data(data)

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]] | None:
        """The response's status and headers, once they are whole."""
        event = self._next()
        while type(event) is h11.InformationalResponse:
            event = self._next()
        return (event.status_code, event.headers.raw_items()) if type(event) is h11.Response else None

    def body(self) -> bytes:
        """What has come of the body since it was last asked for; nothing at all where more is needed, or where it has ended."""
        if self.ended:
            return b""
        pieces = []
        while type(event := self._next()) is h11.Data:
            pieces.append(event.data)
        self.ended = type(event) is h11.EndOfMessage
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    def again(self) -> bool:
        """Whether the connection can carry another request; it then stands ready for it."""
        machine = self._machine
        if not (machine.our_state is machine.their_state is h11.DONE):
            return False
        machine.start_next_cycle()
        return True

    def _next(self) -> Any:
        try:
            return self._machine.next_event()
        except h11.RemoteProtocolError as error:
            reason = str(error)
        raise httpcore.RemoteProtocolError(reason)
