"""What a call used, as the dialect's hosts tell it; and an estimate for those that do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelhub.plugin import TextPart, TextRequest, TextResponse, ToolCall, ToolResult, Usage, count_tokens

__all__ = ["estimated", "read_usage"]


def read_usage(said: object) -> Usage:
    """The counts of a ``usage`` object; what it does not tell, or tells as nonsense, is ``None``.

    Cached tokens are inside the input and reasoning inside the output, as the dialect has it; where a host counts reasoning
    beside the output, which its total shows, it is put inside.
    """
    if not isinstance(said, Mapping):
        return Usage()
    entered = _mapping(said, "prompt_tokens_details") or _mapping(said, "input_tokens_details")
    came = _mapping(said, "completion_tokens_details") or _mapping(said, "output_tokens_details")
    input_tokens = _count(said, "prompt_tokens", "input_tokens") or None
    output_tokens = _count(said, "completion_tokens", "output_tokens")
    reasoning = _count(came, "reasoning_tokens")
    total = _count(said, "total_tokens")
    if input_tokens and output_tokens is not None and reasoning and total == input_tokens + output_tokens + reasoning:
        output_tokens += reasoning
    cached = _count(entered, "cached_tokens")
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=_count(said, "prompt_cache_hit_tokens", "cached_tokens") if cached is None else cached,
        cache_write_tokens=_count(entered, "cache_write_tokens", "cache_creation_tokens"),
        reasoning_tokens=reasoning,
    )


def estimated(request: TextRequest, response: TextResponse[Any]) -> TextResponse[Any]:
    """The response with what its host did not count estimated; pictures and sounds cannot be, so their input stays unknown."""
    usage = response.usage
    said = bool(response.content)
    if usage.input_tokens is not None and (usage.output_tokens or (usage.output_tokens is not None and not said)):
        return response
    input_tokens = _prompt_tokens(request) if usage.input_tokens is None else usage.input_tokens
    output_tokens = usage.output_tokens or _answer_tokens(response)
    counted = replace(usage, input_tokens=input_tokens, output_tokens=output_tokens, source="estimated")
    return replace(response, usage=counted)


def _prompt_tokens(request: TextRequest) -> int | None:
    if request.needs() & {"images", "audio", "files"}:
        return None
    written = [_text(part) for message in request.messages for part in message.content]
    written += [f"{tool.name} {tool.description} {_json(tool.parameters)}" for tool in request.tools]
    written += [_json(request.output.schema)] if request.output is not None else []
    return sum(map(count_tokens, written)) + 4 * len(request.messages)


def _answer_tokens(response: TextResponse[Any]) -> int:
    return sum(count_tokens(_text(part)) for part in response.content) + count_tokens(response.reasoning)


def _text(part: object) -> str:
    match part:
        case TextPart():
            return part.text
        case ToolCall():
            return f"{part.name} {part.arguments}"
        case ToolResult():
            return part.content
        case _:
            return ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _mapping(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(said: Mapping[str, Any], *names: str) -> int | None:
    """The first of these members that is a count; ``12``, ``12.0`` and ``"12"`` are."""
    for name in names:
        value = said.get(name)
        if type(value) is int and value >= 0:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            number = int(float(value))
        except (ValueError, OverflowError):
            continue
        if number >= 0:
            return number
    return None
