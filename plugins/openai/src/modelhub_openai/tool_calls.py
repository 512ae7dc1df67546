"""Tool calls put together from the fragments of a stream, in whatever shape a host sends them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelhub.plugin import TextEvent, ToolCall, ToolCallDelta, ToolCalled, ToolCallStarted

__all__ = ["ToolCalls", "fragments", "read_calls"]


@dataclass(slots=True)
class _Call:
    """A call as far as it has come."""

    index: int | None
    id: str = ""
    given: str = ""
    """The id as the host says it; ``id`` differs where another call has the same."""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    told: int = 0
    """How many of its fragments were given as events; begun with its id and name."""
    started: bool = False

    def whole(self) -> bool:
        """Whether the arguments are a complete JSON value, so that nothing can follow."""
        text = "".join(self.arguments)
        try:
            json.loads(text)
        except ValueError:
            return False
        return True


class ToolCalls:
    """The calls of one answer.

    A fragment belongs to the call with its id; without one, to the latest call at its index; without that, to the call
    before it. An id may come late. A call is told of as soon as its id and name are known; what no host named gets an id
    at the end.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, fragment: Mapping[str, Any]) -> Iterator[TextEvent]:
        """The events of one fragment."""
        function = fragment.get("function")
        if not isinstance(function, Mapping):
            function = {}
        given, name = _word(fragment.get("id")), _word(function.get("name"))
        index = fragment.get("index")
        more = _arguments(function.get("arguments"))
        if not (given or name or more):
            return
        call = self._belongs(index if isinstance(index, int) else None, given, name, bool(more))
        if given and not call.given:
            call.given, call.id = given, self._unique(given)
        call.name = call.name or name
        if more:
            call.arguments.append(more)
        if call.id and call.name:
            yield from _told(call)

    def close(self) -> Iterator[TextEvent]:
        """No fragment will follow: the events still owed."""
        calls = self._ordered()
        for place, call in enumerate(calls):
            call.id = call.id or self._unique(f"call_{place}")
            yield from _told(call)
        for call in calls:
            yield ToolCalled(_finished(call))

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls as far as they have come."""
        return tuple(_finished(call) for call in self._ordered())

    def _belongs(self, index: int | None, given: str, name: str, more: bool) -> _Call:
        found = self._same_id(index, given, name) if given else None
        if found is None:
            found = self._latest(index, name if more else "")
            if found is None or (given and found.given):
                found = _Call(index)
                self._calls.append(found)
        return found

    def _same_id(self, index: int | None, given: str, name: str) -> _Call | None:
        """The call of that id; a named fragment at another index is another call, whose host gives one id to all."""
        for call in reversed(self._calls):
            if call.given == given and (not name or index is None or call.index in (None, index)):
                return call
        return None

    def _latest(self, index: int | None, name: str) -> _Call | None:
        """The latest call at that index; none, where a fragment with a name and arguments cannot be its continuation."""
        for call in reversed(self._calls):
            if index in (None, call.index):
                return None if name and call.name and (name != call.name or call.whole()) else call
        return None

    def _unique(self, wanted: str) -> str:
        taken = {call.id for call in self._calls}
        numbered = (f"{wanted}_{number}" for number in range(1, len(taken) + 2))
        return wanted if wanted not in taken else next(name for name in numbered if name not in taken)

    def _ordered(self) -> list[_Call]:
        """By index, where each has one of its own; else as they came."""
        indexes = {call.index for call in self._calls}
        if None in indexes or len(indexes) < len(self._calls):
            return self._calls
        return sorted(self._calls, key=lambda call: call.index or 0)


def read_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The calls of a whole message, each with an id of its own; ``function_call`` is the older form of one."""
    found = fragments(message)
    if not found:
        return ()
    calls = ToolCalls()
    for place, said in enumerate(found):
        for _ in calls.feed({**said, "index": place}):
            pass
    for _ in calls.close():
        pass
    return calls.calls()


def fragments(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fragments of tool calls that a message or a delta holds."""
    said, older = message.get("tool_calls"), message.get("function_call")
    if not (said or older):
        return []
    found = [fragment for fragment in said if isinstance(fragment, Mapping)] if isinstance(said, list) else []
    return [*found, {"index": 0, "function": older}] if isinstance(older, Mapping) and not found else found


def _told(call: _Call) -> Iterator[TextEvent]:
    if not call.started:
        call.started = True
        yield ToolCallStarted(call.id, call.name)
    for more in call.arguments[call.told :]:
        yield ToolCallDelta(call.id, more)
    call.told = len(call.arguments)


def _finished(call: _Call) -> ToolCall:
    return ToolCall(call.id, call.name, "".join(call.arguments))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _arguments(value: object) -> str:
    """Arguments are JSON text; a host that sends the object itself is understood."""
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value, ensure_ascii=False)
