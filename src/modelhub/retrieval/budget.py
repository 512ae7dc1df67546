"""What fits into a model's context window beside the room that its answer needs. All counts are tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import assert_never

from modelhub.interfaces.content import AudioPart, FilePart, ImagePart, Part, ReasoningPart, TextPart, ToolCall, ToolResult
from modelhub.interfaces.passages import Passage
from modelhub.interfaces.text import TextRequest
from modelhub.model import ModelCard

__all__ = ["fitting", "request_tokens", "room_for_answer"]

Count = Callable[[str], int]
Total = Callable[[Sequence[Passage]], int]

MESSAGE = 6
"""What a turn costs beside its content."""
MEDIA = 1600
"""What a picture, a sound or a file is taken for: about a picture of 1024 x 1024 pixels. Only its model knows better."""
ANSWER = 1024
"""The room kept for an answer whose length nobody has limited, or a quarter of the window where that is less."""


def room_for_answer(request: TextRequest, card: ModelCard, window: int) -> int:
    """What is kept free: the call's own ``max_output_tokens``; else the model's, up to half the window; else ``ANSWER``."""
    if request.knobs.max_output_tokens is not None:
        return request.knobs.max_output_tokens
    if card.max_output_tokens is not None:
        return min(card.max_output_tokens, window // 2)
    return min(ANSWER, window // 4)


def request_tokens(request: TextRequest, count: Count) -> int:
    """All that a request sends beside its passages: turns, tools, the schema of its output."""
    total = sum(MESSAGE + sum(_part_tokens(part, count) for part in turn.content) for turn in request.messages)
    for tool in request.tools:
        total += MESSAGE + count(f"{tool.name}\n{tool.description}\n{json.dumps(dict(tool.parameters), ensure_ascii=False)}")
    if request.output is not None:
        total += MESSAGE + count(json.dumps(dict(request.output.schema), ensure_ascii=False, default=str))
    return total


def _part_tokens(part: Part, count: Count) -> int:
    match part:
        case TextPart(text=text) | ReasoningPart(text=text):
            return count(text)
        case ToolCall(id=call, name=name, arguments=arguments):
            return count(f"{call} {name}\n{arguments}")
        case ToolResult(call_id=call, name=name, content=content):
            return count(f"{call} {name}\n{content}")
        case ImagePart() | AudioPart() | FilePart():
            return MEDIA
        case _:
            assert_never(part)


def fitting(passages: Sequence[Passage], room: int, each: Callable[[Passage], int], total: Total) -> tuple[Passage, ...]:
    """The passages, best first, with which the whole prompt stays within ``room``.

    One that is too long for what is left is dropped, and a shorter one after it may be kept. ``each`` counts one passage as it
    will be sent, number and titles included; ``total`` counts the prompt with some of them, and has the last word.
    """
    kept: list[Passage] = []
    used = total(())
    for passage in passages:
        size = each(passage)
        if used + size <= room:
            kept.append(passage)
            used += size
    while kept and total(kept) > room:
        kept.pop()
    return tuple(kept)
