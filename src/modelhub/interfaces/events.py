"""The events of a streamed text, which an answer that is not streamed does without.

Laws, tested for every provider by ``modelhub.testing``: the ``TextDelta`` events of a stream join to ``response.text``; the
``Finished`` event's response equals what ``call`` gives for the same request; a stream that ends without one raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelhub.interfaces.content import ToolCall
from modelhub.interfaces.passages import Citation
from modelhub.interfaces.text import TextRequest, TextResponse
from modelhub.model import Finished, Model

__all__ = [
    "Cited",
    "ReasoningDelta",
    "TextDelta",
    "TextEvent",
    "TextModel",
    "ToolCallDelta",
    "ToolCallStarted",
    "ToolCalled",
]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model begins to ask for a tool."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a call's arguments: a fragment of JSON text."""

    id: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A tool call is complete."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Cited:
    """A source of what was just said."""

    citation: Citation


TextEvent = TextDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | ToolCalled | Cited | Finished[TextResponse[Any]]
TextModel = Model[TextRequest, TextResponse[Any], TextEvent]
