"""Three ways to cut a body into messages, whatever pieces it arrives in: server-sent events, JSON lines, lengths and JSON.

Each takes time in proportion to the bytes it is fed, also when they come one by one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from modelhub.errors import AnswerError, StreamBroken

__all__ = ["LengthPrefixedDecoder", "NdjsonDecoder", "ServerSentEvent", "SseDecoder"]

_BOM = b"\xef\xbb\xbf"
_LONGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. ``name`` is ``message`` where the server gave none, ``id`` the last one it gave, ``retry`` in milliseconds."""

    data: str
    name: str = "message"
    id: str = ""
    retry: int | None = None

    def json(self) -> Any:
        """The data, parsed. Raises ``AnswerError``."""
        return _parsed(self.data)


class SseDecoder:
    """Server-sent events, as the HTML standard reads them.

    Lines end in LF, CRLF or CR and in nothing else: U+0085, U+2028 and U+2029 are text. A byte that is not UTF-8 becomes
    U+FFFD. One thing is kinder than the standard: an event whose lines are whole is given at the end of the body even if
    its blank line is missing. A line that was cut is dropped.
    """

    def __init__(self) -> None:
        self._lines = _Lines()
        self._first = True
        self._name = ""
        self._data: list[str] = []
        self._id = ""
        self._retry: int | None = None

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete."""
        events = []
        for line in self._lines.feed(data):
            if self._first:
                self._first = False
                line = line.removeprefix(_BOM)
            if line:
                self._read(line)
            elif (event := self._event()) is not None:
                events.append(event)
        return events

    def close(self) -> list[ServerSentEvent]:
        """The event that lacked nothing but its blank line."""
        event = self._event()
        return [] if event is None else [event]

    def _read(self, line: bytes) -> None:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._name = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self._retry = int(value)

    def _event(self) -> ServerSentEvent | None:
        """What the lines since the last blank one say; nothing, where none of them was data."""
        name, data, retry = self._name or "message", self._data, self._retry
        self._name, self._data, self._retry = "", [], None
        return ServerSentEvent("\n".join(data), name, self._id, retry) if data else None


class _Lines:
    """Bytes to lines without their ends. A CR at the end of a piece ends its line at once; an LF after it belongs to it."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        if not data:
            return []
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        first, *rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._begun.append(first)
        if not rest:
            return []
        lines = [b"".join(self._begun), *rest[:-1]]
        self._begun = [rest[-1]]
        return lines


class NdjsonDecoder:
    """One JSON value a line, lines ending in LF or CRLF; empty lines are skipped."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def feed(self, data: bytes) -> list[Any]:
        """The values of the lines that these bytes complete. Raises ``AnswerError`` at a line that is not JSON."""
        first, *rest = data.split(b"\n")
        self._begun.append(first)
        if not rest:
            return []
        lines = [b"".join(self._begun), *rest[:-1]]
        self._begun = [rest[-1]]
        return [_parsed(line) for line in lines if line.strip()]

    def close(self) -> list[Any]:
        """The value of a last line that lacked its end. Raises ``StreamBroken`` where it was cut."""
        line, self._begun = b"".join(self._begun), []
        try:
            return [_parsed(line)] if line.strip() else []
        except AnswerError:
            pass
        raise StreamBroken("The stream ended in the middle of a line.")


class LengthPrefixedDecoder:
    """JSON values, each after its length in bytes as a 4-byte big-endian number. A value of more than 64 MiB is refused."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The values that these bytes complete. Raises ``AnswerError`` at one that is not JSON or claims to be too long."""
        self._buffer += data
        values = []
        start = 0
        while (end := self._end(start)) is not None:
            values.append(_parsed(bytes(self._buffer[start + 4 : end])))
            start = end
        del self._buffer[:start]
        return values

    def _end(self, start: int) -> int | None:
        """Where the message that starts here ends, if all of it has come."""
        length = int.from_bytes(self._buffer[start : start + 4], "big")
        if length > _LONGEST and len(self._buffer) >= start + 4:
            message = f"A message claims to be {length} bytes long: this is no stream of lengths and JSON."
            raise AnswerError(message, head=bytes(self._buffer[start : start + 200]))
        end = start + 4 + length
        return end if len(self._buffer) >= max(end, start + 4) else None

    def close(self) -> list[Any]:
        """Nothing. Raises ``StreamBroken`` where a message was cut."""
        if self._buffer:
            raise StreamBroken(f"The stream ended in the middle of a message, {len(self._buffer)} bytes into it.")
        return []


def _parsed(text: str | bytes) -> Any:
    """JSON, where a byte that is not UTF-8 becomes U+FFFD."""
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    try:
        return json.loads(decoded)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise AnswerError(f"A message of the stream is not JSON: {reason}.", head=decoded.encode()[:200])
