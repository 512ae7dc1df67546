"""The output items of a streamed response, as far as they have come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["OutputItems"]


class OutputItems:
    """Items by their place. What is done stands as the server says it; the others are put together from their pieces."""

    def __init__(self) -> None:
        self._items: dict[object, dict[str, Any]] = {}

    def output(self) -> list[dict[str, Any]]:
        """The items in the order in which they began."""
        return list(self._items.values())

    def item(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """The item that an event is about; a new one, where nothing was heard of it yet."""
        return self._items.setdefault(self._place(said), {})

    def added(self, said: Mapping[str, Any]) -> None:
        """An item begins: what it is, and nothing in it yet."""
        begun = said.get("item")
        if isinstance(begun, Mapping):
            empty = {name: type(begun[name])() for name in ("content", "summary", "arguments") if begun.get(name)}
            self._items[self._place(said)] = {**begun, **empty}

    def done(self, said: Mapping[str, Any]) -> None:
        """An item is whole."""
        whole = said.get("item")
        if isinstance(whole, Mapping):
            self._items[self._place(said)] = dict(whole)

    def text(self, said: Mapping[str, Any], word: str) -> str:
        """More text, or more of a refusal; what it adds."""
        item = self.item(said)
        item.setdefault("type", "message")
        part = _part(item, "content", said.get("content_index"))
        if isinstance(found := said.get("logprobs"), list) and found:
            part["logprobs"] = [*part.get("logprobs", ()), *found]
        return _more(part, word, said)

    def thought(self, said: Mapping[str, Any]) -> str:
        """More reasoning; what it adds, an empty line before each further part of it."""
        item = self.item(said)
        item.setdefault("type", "reasoning")
        summary = "summary_index" in said
        part = _part(item, "summary" if summary else "content", said.get("summary_index" if summary else "content_index"))
        first = not part.get("text")
        others = any(one.get("text") for name in ("content", "summary") for one in item.get(name, ()) if one is not part)
        more = _more(part, "text", said)
        return f"\n\n{more}" if more and first and others else more

    def arguments(self, said: Mapping[str, Any]) -> str:
        """More of a call's arguments; what it adds."""
        item = self.item(said)
        item.setdefault("type", "function_call")
        return _more(item, "arguments", said)

    def _place(self, said: Mapping[str, Any]) -> object:
        place = said.get("output_index")
        return place if isinstance(place, int) else said.get("item_id") or len(self._items) - 1


def _part(item: dict[str, Any], name: str, index: object) -> dict[str, Any]:
    if not isinstance(item.get(name), list):
        item[name] = []
    parts: list[dict[str, Any]] = item[name]
    place = index if isinstance(index, int) and 0 <= index <= len(parts) else max(len(parts) - 1, 0)
    if place == len(parts):
        parts.append({})
    return parts[place]


def _more(part: dict[str, Any], word: str, said: Mapping[str, Any]) -> str:
    more = said.get("delta")
    if not isinstance(more, str):
        return ""
    part[word] = (part.get(word) or "") + more
    return more
