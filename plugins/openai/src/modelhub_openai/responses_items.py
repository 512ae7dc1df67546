"""Messages as the input items of the responses API: turns, reasoning that is sent back, calls of tools and their results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelhub.plugin import (
    AudioPart,
    FilePart,
    ImagePart,
    InvalidRequest,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolResult,
    Unsupported,
    extension,
)

__all__ = ["items", "opened_signature", "signature"]


def items(turns: Iterable[Message], system_role: str) -> tuple[str | None, list[dict[str, Any]]]:
    """The ``instructions``, made of the first turn where it is the system's, and the ``input``.

    Raises ``Unsupported`` or ``InvalidRequest`` for a part that has no place in its turn.
    """
    first, *others = turns
    instructions = _text_of(first) if first.role == "system" else None
    rest = others if first.role == "system" else [first, *others]
    return instructions, [item for turn in rest for item in _items(turn, system_role)]


def signature(item: Mapping[str, Any]) -> str | None:
    """What proves a reasoning item when it is sent back: its id and its encrypted content, if it has that."""
    encrypted, number = item.get("encrypted_content"), item.get("id")
    if not isinstance(encrypted, str) or not encrypted:
        return None
    return json.dumps({"id": number if isinstance(number, str) else "", "encrypted_content": encrypted})


def opened_signature(signed: str | None) -> dict[str, Any] | None:
    """Id and encrypted content of a signature of ours; ``None`` for one that another provider gave."""
    try:
        opened = json.loads(signed or "")
    except ValueError:
        return None
    return opened if isinstance(opened, dict) and opened.keys() == {"id", "encrypted_content"} else None


def _items(turn: Message, system_role: str) -> Iterator[dict[str, Any]]:
    match turn.role:
        case "system":
            yield {"role": system_role, "content": _text_of(turn)}
        case "assistant":
            for part in turn.content:
                yield from _said(part)
        case _:
            yield from (_result(part) for part in turn.content if isinstance(part, ToolResult))
            others = [part for part in turn.content if not isinstance(part, ToolResult)]
            if others and turn.role == "tool":
                raise InvalidRequest("A message of the role 'tool' holds ToolResult parts, each for the id of a call.")
            if others:
                yield {"role": "user", "content": _content(others)}


def _said(part: Part) -> Iterator[dict[str, Any]]:
    """What the model said before, item by item. Reasoning that it cannot know again is left out."""
    match part:
        case TextPart():
            yield {"role": "assistant", "content": part.text}
        case ToolCall():
            yield {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}
        case ReasoningPart():
            if (known := opened_signature(part.signature)) is not None:
                summary = [{"type": "summary_text", "text": part.text}] if part.text else []
                yield {"type": "reasoning", "summary": summary, **known}
        case _:
            message = f"An assistant's message holds text, reasoning and tool calls, not a {type(part).__name__}."
            raise InvalidRequest(message)


def _result(result: ToolResult) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": result.call_id, "output": result.content}


def _content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    """Text alone as a string, anything else part by part."""
    match parts:
        case [TextPart(text)]:
            return text
        case _:
            return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "input_text", "text": part.text}
        case ImagePart():
            return {"type": "input_image", "image_url": part.data_url(), "detail": "auto"}
        case FilePart(data=bytes()):
            name = part.name or f"document.{extension(part.media_type or '')}"
            return {"type": "input_file", "filename": name, "file_data": part.data_url()}
        case FilePart():
            return {"type": "input_file", "file_url": part.url}
        case AudioPart():
            raise Unsupported("The responses API takes no sound: use chat completions (api = 'chat').", feature="audio")
        case _:
            raise InvalidRequest(f"A user's message holds no {type(part).__name__}: that is for the assistant's turn.")


def _text_of(turn: Message) -> str:
    for part in turn.content:
        if not isinstance(part, TextPart):
            raise InvalidRequest(f"A system message is text, not a {type(part).__name__}.")
    return turn.text
