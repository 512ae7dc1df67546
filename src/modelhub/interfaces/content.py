"""What messages are made of: text, media, tool calls and their results, and reasoning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from modelhub.errors import AnswerError, InvalidRequest
from modelhub.interfaces.media import AudioPart, FilePart, ImagePart

__all__ = [
    "AudioPart",
    "FilePart",
    "ImagePart",
    "Message",
    "Part",
    "ReasoningPart",
    "Role",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolResult",
]

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Some text."""

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"TextPart takes a string, not {type(self.text).__name__}.")


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What the model thought on its way; ``signature`` proves it to the provider when it is sent back."""

    text: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may ask for. ``parameters`` is a JSON Schema of an object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool. ``arguments`` is the JSON text exactly as it came."""

    id: str
    name: str
    arguments: str = "{}"

    def parsed(self) -> dict[str, Any]:
        """The arguments as a dictionary. Raises ``AnswerError`` naming the call where they are not a JSON object."""
        try:
            value = json.loads(self.arguments or "{}")
        except ValueError as error:
            message = f"The arguments of tool call {self.name!r} ({self.id}) are not JSON: {error}."
            raise AnswerError(message, head=self.arguments.encode()[:200]) from None
        if not isinstance(value, dict):
            message = f"The arguments of tool call {self.name!r} ({self.id}) are JSON, but not an object."
            raise AnswerError(message, head=self.arguments.encode()[:200])
        return value


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered, for the call with that id."""

    call_id: str
    content: str
    name: str = ""
    is_error: bool = False


_ROLES = get_args(Role)
Part = TextPart | ImagePart | AudioPart | FilePart | ReasoningPart | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. ``content`` may be given as a string; it is always kept as parts."""

    role: Role
    content: tuple[Part, ...]

    def __init__(self, role: Role, content: str | Part | tuple[Part, ...] | list[Part]) -> None:
        if role not in _ROLES:
            raise InvalidRequest(f"A message's role is one of {', '.join(_ROLES)}, not {role!r}.")
        parts = (TextPart(content),) if isinstance(content, str) else content
        object.__setattr__(self, "role", role)
        object.__setattr__(self, "content", tuple(parts) if isinstance(parts, (tuple, list)) else (parts,))
        for part in self.content:
            if not isinstance(part, Part):
                raise InvalidRequest(f"A message is made of strings and parts, like TextPart and ImagePart, not {part!r}.")

    @property
    def text(self) -> str:
        """All its text, joined."""
        return "".join(part.text for part in self.content if isinstance(part, TextPart))
