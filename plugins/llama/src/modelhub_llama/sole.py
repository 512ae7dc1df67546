"""The one message of a plain completion: a text that a model goes on with as it is."""

from __future__ import annotations

from modelhub.plugin import InvalidRequest, Message, TextPart, TextRequest, Unsupported

__all__ = ["sole"]

_LACKING = {"ToolCall": "tools", "ToolResult": "tools", "ImagePart": "images", "AudioPart": "audio", "FilePart": "files"}


def sole(request: TextRequest, *also: type[object]) -> Message:
    """The message, of texts and of parts of the kinds ``also``. Raises ``Unsupported`` or ``InvalidRequest`` for any other."""
    if request.tools:
        raise Unsupported('There is no tool in a plain text (prompt = "plain"): use the chat.', feature="tools")
    if len(request.messages) != 1:
        roles = ", ".join(message.role for message in request.messages)
        told = f'A plain prompt (prompt = "plain") is one message, not {len(request.messages)} ({roles}): it has no turns.'
        raise InvalidRequest(told)
    (last,) = request.messages
    for part in last.content:
        if not isinstance(part, (TextPart, *also)):
            name = type(part).__name__
            raise Unsupported(f'A plain prompt (prompt = "plain") takes no {name}.', feature=_LACKING.get(name, "text"))
    return last
