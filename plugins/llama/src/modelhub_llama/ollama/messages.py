"""Messages as Ollama writes them: one text a turn, pictures beside it, arguments of tools as objects."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from modelhub.plugin import (
    AnswerError,
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
)

__all__ = ["messages", "pictures"]


def messages(turns: Iterable[Message]) -> list[dict[str, Any]]:
    """The ``messages`` of a body. Raises ``Unsupported`` or ``InvalidRequest`` for a part that has no place in its turn."""
    names: dict[str, str] = {}
    return [written for turn in turns for written in _written(turn, names)]


def pictures(parts: Iterable[Part]) -> list[str]:
    """The pictures among the parts as bare base64. Raises ``Unsupported`` for an address, which Ollama does not follow."""
    return [_picture(part) for part in parts if isinstance(part, ImagePart)]


def _written(turn: Message, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    """``names`` are those of the calls so far, by id: a result says which function it is of."""
    match turn.role:
        case "assistant":
            names.update({part.id: part.name for part in turn.content if isinstance(part, ToolCall)})
            yield _assistant(turn)
        case "system":
            yield {"role": "system", "content": _only_text(turn)}
        case "user" | "tool":
            results = [part for part in turn.content if isinstance(part, ToolResult)]
            yield from (_result(part, names) for part in results)
            if others := tuple(part for part in turn.content if not isinstance(part, ToolResult)):
                if turn.role == "tool":
                    raise InvalidRequest("A message of the role 'tool' holds ToolResult parts, each for the id of a call.")
                yield _user(others)


def _user(parts: tuple[Part, ...]) -> dict[str, Any]:
    for part in parts:
        if isinstance(part, (AudioPart, FilePart)):
            feature = "audio" if isinstance(part, AudioPart) else "files"
            raise Unsupported(f"Ollama takes text and pictures, not {feature}.", feature=feature)
        if not isinstance(part, (TextPart, ImagePart)):
            raise InvalidRequest(f"A user's message holds no {type(part).__name__}: that is for the assistant's turn.")
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    images = pictures(parts)
    return {"role": "user", "content": text, **({"images": images} if images else {})}


def _assistant(turn: Message) -> dict[str, Any]:
    for part in turn.content:
        if not isinstance(part, (TextPart, ToolCall, ReasoningPart)):
            raise InvalidRequest(f"An assistant's message holds text, reasoning and tool calls, not a {type(part).__name__}.")
    thought = "".join(part.text for part in turn.content if isinstance(part, ReasoningPart))
    calls = [_call(part) for part in turn.content if isinstance(part, ToolCall)]
    return {
        "role": "assistant",
        "content": turn.text,
        **({"thinking": thought} if thought else {}),
        **({"tool_calls": calls} if calls else {}),
    }


def _only_text(turn: Message) -> str:
    for part in turn.content:
        if not isinstance(part, TextPart):
            raise InvalidRequest(f"A system message is text, not a {type(part).__name__}.")
    return turn.text


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = call.parsed()
    except AnswerError as error:
        message = f"{error.message} Ollama takes nothing else."
        raise InvalidRequest(message) from None
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments}}


def _result(result: ToolResult, names: dict[str, str]) -> dict[str, Any]:
    name = result.name or names.get(result.call_id, "")
    return {
        "role": "tool",
        "content": result.content,
        **({"tool_name": name} if name else {}),
        "tool_call_id": result.call_id,
    }


def _picture(part: ImagePart) -> str:
    if part.data is not None:
        return base64.b64encode(part.data).decode("ascii")
    head, comma, encoded = (part.url or "").partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return encoded
    message = "Ollama does not fetch pictures: read it first, and give its bytes as data."
    raise Unsupported(message, feature="images")
