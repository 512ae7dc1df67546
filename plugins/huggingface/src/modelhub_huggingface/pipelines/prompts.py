"""The one text that a classic task takes, out of a conversation."""

from __future__ import annotations

from modelhub.plugin import InvalidRequest, TextPart, TextRequest, Unsupported

__all__ = ["one_text"]


def one_text(request: TextRequest, model: str) -> str:
    """The text of the one message. Raises ``Unsupported`` or ``InvalidRequest`` where the request is more than a text."""
    if request.tools:
        raise Unsupported(f"{model} takes a text, and no tools.", feature="tools", model=model)
    if len(request.messages) != 1:
        roles = ", ".join(message.role for message in request.messages)
        message = (
            f"{model} takes one text, not {len(request.messages)} messages ({roles}): it has no turns, and no instructions."
        )
        raise InvalidRequest(message)
    for part in request.messages[0].content:
        if not isinstance(part, TextPart):
            feature = f"{type(part).__name__.removesuffix('Part').lower()}s".replace("audios", "audio")
            raise Unsupported(f"{model} takes a text, and no {type(part).__name__}.", feature=feature, model=model)
    return request.messages[0].text
