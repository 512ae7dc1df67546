"""Why an answer ended: the words of the dialect's hosts, and what each means. What nobody knows is never taken for an end."""

from __future__ import annotations

from collections.abc import Mapping

from modelhub.plugin import FinishReason

__all__ = ["finish_reason"]

_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_call",
    "tool_call": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "error": "error",
    "abort": "error",
    "insufficient_system_resource": "error",
}


def finish_reason(raw: str | None, *, calls: bool, refused: bool) -> FinishReason:
    """The reason in our words.

    An answer that holds tool calls and stopped has called tools: hosts say ``stop`` where the tool was forced. A refusal is
    the model's own filter.
    """
    found = _REASONS.get(raw.lower(), "other") if raw else "other"
    if found == "stop" and (calls or refused):
        return "tool_call" if calls else "content_filter"
    return found
