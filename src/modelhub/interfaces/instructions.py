"""A type asked for in words, of a model that cannot be held to a schema."""

from __future__ import annotations

import json
from dataclasses import replace

from modelhub.interfaces.content import Message, TextPart
from modelhub.interfaces.text import TextRequest

__all__ = ["instructed"]


def instructed(request: TextRequest) -> TextRequest:
    """The request with the schema of its output in the system message: behind what stands there, or as a message of its own."""
    if request.output is None:
        return request
    from modelhub.interfaces.envelope import enveloped

    schema = json.dumps(enveloped(request.output.schema), ensure_ascii=False)
    words = f"Answer with JSON alone, no fence around it and no word before or after it. It follows this JSON Schema:\n{schema}"
    first, *others = request.messages
    if first.role == "system":
        return replace(request, messages=(Message("system", (*first.content, TextPart(f"\n\n{words}"))), *others))
    return replace(request, messages=(Message("system", words), *request.messages))
