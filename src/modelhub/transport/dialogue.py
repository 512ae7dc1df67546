"""What a client and a server say to each other over one connection: HTTP/1.1 as bytes in and bytes out, without any waiting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpcore
import httptools

if TYPE_CHECKING:
    from modelhub.transport.outgoing import Outgoing

__all__ = ["Dialogue"]

_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e]*\r\n")
_START = re.compile(rb"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1\r\n")
"""What lines may look like, so that nothing in one can be taken for another one, or for another request."""
_LONGEST_HEAD = 128 * 1024
_TOGETHER = 64 * 1024
"""A body up to this size leaves with its head."""


class Dialogue:
    """Requests and responses in turn. Raises the library's ``LocalProtocolError`` and ``RemoteProtocolError``."""

    def __init__(self) -> None:
        self.ended = False
        """Whether all of the response has come."""
        self._reading: _Reading | None = None
        self._clean = False

    def request(self, request: Outgoing) -> tuple[bytes, ...]:
        """The request as it is written. It holds keys: use it inside an expression, and keep it nowhere."""
        self._reading = _Reading(bodiless=request.method in ("HEAD", "CONNECT"))
        self.ended = False
        self._clean = True
        start = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.target)
        fields = [b"%b: %b\r\n" % field for field in request.fields]
        if _START.fullmatch(start) is None or None in map(_FIELD.fullmatch, fields):
            raise httpcore.LocalProtocolError("a header breaks the rules of HTTP")
        head = b"".join((start, *fields, b"\r\n"))
        return (head + request.body,) if len(request.body) <= _TOGETHER else (head, request.body)

    def cut(self) -> None:
        """The request could not be written whole: what follows on this connection would be taken for its rest."""
        self._clean = False

    def receive(self, data: bytes) -> None:
        """Bytes have come; none at all: the server has ended the connection."""
        reading = self._reading
        assert reading is not None
        if data:
            reading.feed(data)
        else:
            self._clean = False
            reading.close()
        self.ended = reading.ended

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]] | None:
        """The response's status and headers, once they are whole."""
        reading = self._reading
        return None if reading is None or not reading.status else (reading.status, reading.fields)

    def body(self) -> bytes:
        """What has come of the body since it was last asked for."""
        reading = self._reading
        return b"" if reading is None or not reading.pieces else reading.taken()

    def close(self) -> None:
        """The connection is closed, whatever it was about to say."""
        if self._reading is not None:
            self._reading.drop()

    def again(self) -> bool:
        """Whether the connection can carry another request."""
        return self._clean and self.ended and self._reading is not None and self._reading.keeps


class _Reading:
    """One response as it is read, and what its parser tells."""

    def __init__(self, *, bodiless: bool) -> None:
        self.status = 0
        """0 as long as the head is not whole."""
        self.fields: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.ended = False
        self.keeps = False
        """Whether the server keeps the connection after this response, and has said nothing more."""
        self._bodiless = bodiless
        self._length = 0
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        if not self.status:
            self._length += len(data)
        parser = self._parser
        if parser is None:
            raise httpcore.RemoteProtocolError("the connection was closed meanwhile")
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            reason = "" if self.ended else "the server wants to speak something else"
        except httptools.HttpParserError as error:
            reason = "" if self._bodiless and self.ended else str(error)
        else:
            reason = "" if self.status or self._length <= _LONGEST_HEAD else "the head of the response never ends"
        if reason or self.ended:
            self.drop()
        if reason:
            raise httpcore.RemoteProtocolError(reason)

    def drop(self) -> None:
        """Nothing more is read: let go of the parser, which holds on to this, too."""
        self._parser = None

    def close(self) -> None:
        """The server has ended the connection, which is the end of a body whose length it did not tell."""
        if not self.status:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        if not self.ended and any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.fields):
            raise httpcore.RemoteProtocolError("peer closed connection without sending complete message body")
        self.ended = True
        self.drop()

    def taken(self) -> bytes:
        data = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        return data

    def on_message_begin(self) -> None:
        self.keeps = False

    def on_header(self, name: bytes, value: bytes | None) -> None:
        self.fields.append((name, value or b""))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:  # what comes before it is no response yet
            self.status = status
            self.ended = self._bodiless

    def on_body(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        if self.status:
            self.ended = True
            self.keeps = self._parser.should_keep_alive()
        else:
            self.fields.clear()
