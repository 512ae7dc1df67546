"""How many tokens there are in what a model would be asked: counted by the model where it can, else about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.interfaces.content import TextPart, ToolCall, ToolResult
from modelhub.model import AnyModel, Request, Runtime

if TYPE_CHECKING:
    from modelhub.interfaces.content import Part
    from modelhub.interfaces.embedding import EmbeddingRequest
    from modelhub.interfaces.text import TextRequest

__all__ = ["TokenCount", "counted_inputs", "counted_prompt"]


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens. Where they are not ``exact``, they are estimated from above: for English, by a third."""

    tokens: int
    exact: bool


async def counted_prompt(model: AnyModel, request: TextRequest, runtime: Runtime) -> TokenCount:
    """Of a conversation and the tools that come with it. An estimate leaves pictures, sounds and files out."""
    tokens = await _counted(model, request, runtime)
    return TokenCount(_prompt(request), exact=False) if tokens is None else TokenCount(tokens, exact=True)


async def counted_inputs(model: AnyModel, request: EmbeddingRequest, runtime: Runtime) -> TokenCount:
    """Of all texts together."""
    from modelhub.retrieval.tokens import count_tokens

    tokens = await _counted(model, request, runtime)
    return TokenCount(sum(map(count_tokens, request.inputs)), exact=False) if tokens is None else TokenCount(tokens, exact=True)


async def _counted(model: AnyModel, request: Request, runtime: Runtime) -> int | None:
    count = getattr(model, "count_tokens", None)
    found: int | None = None if count is None else await count(request, runtime)
    return found


def _prompt(request: TextRequest) -> int:
    from modelhub.retrieval.tokens import count_tokens

    written = [_text(part) for message in request.messages for part in message.content]
    written += [f"{tool.name} {tool.description} {json.dumps(tool.parameters, default=str)}" for tool in request.tools]
    return sum(map(count_tokens, written)) + 4 * len(request.messages)


def _text(part: Part) -> str:
    match part:
        case TextPart():
            return part.text
        case ToolCall():
            return f"{part.name} {part.arguments}"
        case ToolResult():
            return part.content
        case _:
            return ""
