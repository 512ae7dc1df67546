"""Server-sent events by the shortest way: one ``data`` line and an empty one, which nearly all of them are."""

from __future__ import annotations

from modelhub.plugin import ServerSentEvent, SseDecoder

__all__ = ["PlainEvents"]


class PlainEvents:
    """Gives the bytes of an event that is one line ``data: ...``, and a ``ServerSentEvent`` for any other.

    Whatever is not plain goes through ``SseDecoder``: comments, names, ids, several lines, other line ends, events that come
    in pieces. Behind an empty line both are between two events, so that each may go on there.
    """

    def __init__(self) -> None:
        self._decoder = SseDecoder()
        self.between = True
        """Whether the last event has ended, so that the next bytes begin another."""

    def feed(self, data: bytes) -> list[bytes | ServerSentEvent]:
        """The events that these bytes complete."""
        if b"\r" in data:
            self.between = False
            return [*self._decoder.feed(data)]
        events: list[bytes | ServerSentEvent] = []
        start = 0
        if not self.between:
            start = data.find(b"\n\n") + 2
            if start < 2:
                return [*self._decoder.feed(data)]
            events += self._decoder.feed(data[:start])
        end = data.rfind(b"\n\n", start) + 2
        if end >= 2:
            for event in data[start : end - 2].split(b"\n\n"):
                if event.startswith(b"data: ") and b"\n" not in event:
                    events.append(event[6:])
                else:
                    events += self._decoder.feed(event + b"\n\n")
            start = end
        self.between = start == len(data)
        if not self.between:
            events += self._decoder.feed(data[start:])
        return events

    def close(self) -> list[ServerSentEvent]:
        """The event that lacked nothing but its blank line."""
        return self._decoder.close()
