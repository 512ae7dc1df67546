"""Messages as the dialect writes them: turns, their parts, the calls of tools and what these answered."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
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
from modelhub_openai.quirks import Quirks

__all__ = ["messages"]


def messages(turns: Iterable[Message], quirks: Quirks) -> list[dict[str, Any]]:
    """The ``messages`` of a body. Raises ``Unsupported`` or ``InvalidRequest`` for a part that has no place in its turn."""
    return [written for turn in turns for written in _written(turn, quirks)]


def _written(turn: Message, quirks: Quirks) -> Iterator[dict[str, Any]]:
    content = turn.content
    if len(content) == 1 and isinstance(content[0], TextPart) and turn.role != "tool":
        yield {"role": quirks.system_role if turn.role == "system" else turn.role, "content": content[0].text}
    elif turn.role == "assistant":
        yield _assistant(content, quirks)
    elif turn.role == "system":
        yield {"role": quirks.system_role, "content": _only_text(turn)}
    else:
        yield from (_result(part) for part in content if isinstance(part, ToolResult))
        if others := [part for part in content if not isinstance(part, ToolResult)]:
            if turn.role == "tool":
                raise InvalidRequest("A message of the role 'tool' holds ToolResult parts, each for the id of a call.")
            yield {"role": "user", "content": [_part(part) for part in others]}


def _assistant(content: tuple[Part, ...], quirks: Quirks) -> dict[str, Any]:
    text = "".join(part.text for part in content if isinstance(part, TextPart))
    calls = [_call(part) for part in content if isinstance(part, ToolCall)]
    written: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        written["tool_calls"] = calls
    if quirks.reasoning is not None and (thought := "".join(part.text for part in content if isinstance(part, ReasoningPart))):
        written[quirks.reasoning] = thought
    for part in content:
        if not isinstance(part, (TextPart, ToolCall, ReasoningPart)):
            raise InvalidRequest(f"An assistant's message holds text, reasoning and tool calls, not a {type(part).__name__}.")
    return written


def _only_text(turn: Message) -> str:
    for part in turn.content:
        if not isinstance(part, TextPart):
            raise InvalidRequest(f"A system message is text, not a {type(part).__name__}.")
    return turn.text


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _result(result: ToolResult) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": result.call_id, "content": result.content}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return {"type": "image_url", "image_url": {"url": part.data_url()}}
        case AudioPart(data=bytes() as data):
            sound = {"data": base64.b64encode(data).decode("ascii"), "format": extension(part.media_type or "")}
            return {"type": "input_audio", "input_audio": sound}
        case FilePart(data=bytes()):
            name = part.name or f"document.{extension(part.media_type or '')}"
            return {"type": "file", "file": {"filename": name, "file_data": part.data_url()}}
        case AudioPart() | FilePart():
            feature = "audio" if isinstance(part, AudioPart) else "files"
            message = f"{part.url} cannot be sent as an address: read it first, and give its bytes as data."
            raise Unsupported(message, feature=feature)
        case _:
            raise InvalidRequest(f"A user's message holds no {type(part).__name__}: that is for the assistant's turn.")
