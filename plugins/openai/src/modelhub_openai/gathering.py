"""What an answer is made of, whole or in pieces: text, reasoning, log-probabilities, and whatever else was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelhub.plugin import TokenLogprob

__all__ = ["Extras", "read_logprobs", "reasoning_of", "text_of"]

_ANSWER = frozenset({"choices", "usage", "object", "created", "model", "obfuscation", "error"})
_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "text"})
_MESSAGE = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "reasoning_content", "reasoning", "tool_call_id", "name"}
)


class Extras:
    """The members beside the answer that a host sends with it, chunk after chunk: ``provider_metadata``.

    What comes again is laid over what came: mappings member by member, lists one after the other, anything else replaced. An
    endpoint whose host puts meaning into them gives a subclass of its own.
    """

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}

    def answer(self, said: Mapping[str, Any]) -> None:
        """A whole answer, or a chunk."""
        for name, value in said.items():
            if name not in _ANSWER:
                self.take(name, value)

    def choice(self, said: Mapping[str, Any]) -> None:
        """A choice of either."""
        for name, value in said.items():
            if name not in _CHOICE:
                self.take(name, value)

    def message(self, said: Mapping[str, Any]) -> None:
        """A message, or a delta."""
        for name, value in said.items():
            if name not in _MESSAGE:
                self.take(name, value)

    def take(self, name: str, value: Any) -> None:
        """One member. Null and empty ones say nothing."""
        if value in (None, "", [], {}):
            return
        known = self.metadata.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            value = {**known, **value}
        elif isinstance(known, list) and isinstance(value, list) and known != value:
            value = [*known, *value]
        self.metadata[name] = value


def text_of(content: object) -> str:
    """The text of a ``content``: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(_text(part, "text", "output_text") for part in content)


def reasoning_of(message: Mapping[str, Any]) -> str:
    """The reasoning of a message or a delta: ``reasoning_content``, ``reasoning``, or parts of the content."""
    told = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(told, str):
        return told
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    return "".join(_text(part, "thinking", "reasoning") for part in content)


def _text(part: object, *kinds: str) -> str:
    if isinstance(part, str):
        return part if "text" in kinds else ""
    if not isinstance(part, Mapping) or part.get("type") not in kinds:
        return ""
    said = part.get(part["type"], part.get("text"))
    return said if isinstance(said, str) else text_of(said)


def read_logprobs(said: object) -> tuple[TokenLogprob, ...]:
    """The tokens of a ``logprobs`` object, in its newer form (``content``) or its older one (``tokens``)."""
    if not isinstance(said, Mapping):
        return ()
    content = said.get("content")
    if isinstance(content, list):
        read = (_logprob(token) for token in content)
    else:
        tokens, values = _list(said.get("tokens")), _list(said.get("token_logprobs"))
        read = (_logprob({"token": token, "logprob": value}) for token, value in zip(tokens, values, strict=False))
    return tuple(token for token in read if token is not None)


def _logprob(said: object) -> TokenLogprob | None:
    pair = _pair(said)
    if pair is None or not isinstance(said, Mapping):
        return None
    others = map(_pair, _list(said.get("top_logprobs")))
    return TokenLogprob(*pair, tuple(other for other in others if other is not None))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _pair(said: object) -> tuple[str, float] | None:
    if not isinstance(said, Mapping):
        return None
    token, value = said.get("token"), said.get("logprob")
    return (token, float(value)) if isinstance(token, str) and isinstance(value, int | float) else None
