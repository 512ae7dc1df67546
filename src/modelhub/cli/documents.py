"""Responses as plain data: what ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelhub.interfaces.text import TextResponse
    from modelhub.model import Response

__all__ = ["described", "plain", "text_document"]


def plain(value: Any) -> Any:
    """Any value of ours as JSON data: dataclasses as objects, bytes as base64, what JSON has no form for as its text."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            import base64

            return base64.b64encode(value).decode("ascii")
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted(plain(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return str(value)


def described(response: Response) -> dict[str, Any]:
    """What every response tells beside its content; what is not known is left out."""
    usage = {name: count for name, count in plain(response.usage).items() if count is not None}
    told = {
        "model": response.model,
        "provider": response.provider,
        "usage": usage if len(usage) > 1 else {},
        "cost": response.cost,
        "seconds": None if response.timing.total is None else round(response.timing.total, 4),
        "notices": response.notices,
        "attempts": [{"model": attempt.model, "error": attempt.error} for attempt in response.attempts],
    }
    return {name: value for name, value in told.items() if value not in (None, (), [], {}, "")}


def text_document(response: TextResponse[Any]) -> dict[str, Any]:
    """An answer: its text, why it ended, its citations and tool calls, and what every response tells."""
    document: dict[str, Any] = {"text": response.text, "finish_reason": response.finish_reason}
    more = {"reasoning": response.reasoning, "citations": response.citations, "tool_calls": response.tool_calls}
    return document | {name: value for name, value in more.items() if value} | described(response)
