"""Tool calls read out of an answer that is JSON: ``{"tool_calls": [{"name": ..., "arguments": {...}}]}``, as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import TextDelta, ToolCall, ToolCallDelta, ToolCalled, ToolCallStarted

__all__ = ["CallReader"]

_Sink = Callable[[str], object]
_Steps = Generator[None, str, None]
_Found = Generator[None, str, str]


@dataclass(slots=True)
class _Call:
    """A call as far as it has come."""

    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    told: int = 0
    """How many of the characters of its arguments were given as events."""
    started: bool = False
    whole: bool = False
    ended: bool = False

    def finished(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.arguments))


class CallReader:
    """One answer: ``feed`` its text, piece by piece, then ``close``.

    ``first`` is the number in the first call's id. ``as_text``: what stands under ``answer`` is a string, and what it says is
    given; else it is left as the JSON text that it is.
    """

    def __init__(self, *, first: int = 0, as_text: bool = True) -> None:
        self._first = first
        self._as_text = as_text
        self._calls: list[_Call] = []
        self._answer: list[str] = []
        self._told = 0
        self._back = ""
        """A character that was looked at, and belongs to what follows."""
        self.understood = False
        """Whether the answer has this form at all."""
        self._steps = self._object(self._member)
        next(self._steps)

    def feed(self, text: str) -> list[Any]:
        """The events of this piece."""
        for char in text:
            try:
                self._steps.send(char)
            except StopIteration:
                break
        return self._events()

    def close(self) -> list[Any]:
        """The events still owed: a call that was cut is told as far as it came."""
        return [ToolCalled(call.finished()) for call in self._calls if call.started and not call.ended]

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls as far as they have come."""
        return tuple(call.finished() for call in self._calls if call.started)

    def answer(self) -> str:
        """What was said instead of calls."""
        return "".join(self._answer)

    def _events(self) -> list[Any]:
        events: list[Any] = []
        if more := "".join(self._answer[self._told :]):
            self._told = len(self._answer)
            events.append(TextDelta(more))
        for call in self._calls:
            if call.name and not call.started:
                call.started = True
                events.append(ToolCallStarted(call.id, call.name))
            if call.started and (more := "".join(call.arguments[call.told :])):
                call.told = len(call.arguments)
                events.append(ToolCallDelta(call.id, more))
            if call.started and call.whole and not call.ended:
                call.ended = True
                events.append(ToolCalled(call.finished()))
        return events

    def _member(self, key: str) -> _Steps:
        self.understood = self.understood or key in ("tool_calls", "answer")
        if key == "tool_calls":
            yield from self._until("[")
            while (yield from self._until("{]")) == "{":
                self._back = "{"
                self._calls.append(_Call(f"call_{self._first + len(self._calls)}"))
                yield from self._object(self._of_call)
                self._calls[-1].whole = True
        elif key == "answer" and self._as_text:
            yield from self._until('"')
            yield from self._string(self._answer.append)
        else:
            yield from self._value(self._answer.append if key == "answer" else _nowhere)

    def _of_call(self, key: str) -> _Steps:
        call = self._calls[-1]
        if key == "name":
            name: list[str] = []
            yield from self._until('"')
            yield from self._string(name.append)
            call.name = "".join(name)
        else:
            yield from self._value(call.arguments.append if key == "arguments" else _nowhere)

    def _object(self, member: Callable[[str], _Steps]) -> _Steps:
        """An object, whose members' values are for ``member`` to read."""
        yield from self._until("{")
        while (yield from self._until('"}')) == '"':
            key: list[str] = []
            yield from self._string(key.append)
            yield from self._until(":")
            yield from member("".join(key))

    def _value(self, sink: _Sink) -> _Steps:
        """A value as it is written."""
        depth, begun = 0, False
        while True:
            char = yield from self._next()
            if depth == 0 and char in ",}]":
                self._back = char
                return
            if not begun and char.isspace():
                continue
            begun = True
            sink(char)
            if char == '"':
                yield from self._quoted(sink)
            depth += (char in "{[") - (char in "}]")
            if depth == 0 and char in '"}]':
                return

    def _quoted(self, sink: _Sink) -> _Steps:
        """The rest of a string as it is written."""
        while True:
            char = yield from self._next()
            sink(char)
            if char == "\\":
                sink((yield from self._next()))
            elif char == '"':
                return

    def _string(self, sink: _Sink) -> _Steps:
        """The rest of a string as it is meant."""
        while (char := (yield from self._next())) != '"':
            sink((yield from self._escaped()) if char == "\\" else char)

    def _escaped(self) -> _Found:
        """What a backslash and the characters behind it stand for; two of them may be one character."""
        written = "\\" + (yield from self._next())
        if written == "\\u":
            written = yield from self._more(written, 4)
            if written[2:4].lower() in ("d8", "d9", "da", "db"):
                written = yield from self._more(written, 6)
        try:
            meant = str(json.loads(f'"{written}"'))
        except ValueError:
            return written
        return meant.encode("utf-8", "replace").decode()

    def _more(self, written: str, count: int) -> _Found:
        for _ in range(count):
            written += yield from self._next()
        return written

    def _until(self, wanted: str) -> _Found:
        """The next of these characters."""
        while (char := (yield from self._next())) not in wanted:
            pass
        return char

    def _next(self) -> _Found:
        if self._back:
            char, self._back = self._back, ""
            return char
        return (yield)


def _nowhere(_: str) -> None:
    """For what nobody asked for."""
