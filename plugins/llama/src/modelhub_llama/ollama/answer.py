"""An answer of Ollama's read, whole or put together: tolerant of what is missing; what is no answer at all raises."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from modelhub_openai.gathering import read_logprobs

from modelhub.plugin import (
    AnswerError,
    FinishReason,
    HttpResponse,
    Part,
    ReasoningPart,
    TextPart,
    TextResponse,
    TokenLogprob,
    ToolCall,
    Usage,
)
from modelhub_llama.ollama.faults import error_in, reported
from modelhub_llama.ollama.site import Ollama

__all__ = ["Calls", "answer", "object_in", "parse", "pieces", "speaks", "tokens"]

_REASONS: Mapping[str, FinishReason] = {"stop": "stop", "length": "length"}
_COUNTS = ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")
_READ = {"model", "created_at", "message", "response", "thinking", "done", "done_reason", "context", "logprobs", *_COUNTS}


def parse(response: HttpResponse, site: Ollama, name: str) -> TextResponse[Any]:
    """A whole answer. Raises ``AnswerError`` where it holds none, and what an error in it means where it is one."""
    said = object_in(response.body)
    if error_in(said):
        raise reported(said, site, name)
    text, reasoning, entries = pieces(said)
    if not speaks(said):
        raise AnswerError("The answer has neither a message nor a response.", head=response.body[:200])
    if said.get("done") is False:
        raise AnswerError("The answer is only the beginning of one: it says that it is not done.", head=response.body[:200])
    calls = Calls()
    made = tuple(calls.take(entries))
    return answer(site, said, text=text, reasoning=reasoning, calls=made, logprobs=tokens(said))


def answer(
    site: Ollama,
    said: Mapping[str, Any],
    *,
    text: str,
    reasoning: str,
    calls: tuple[ToolCall, ...],
    logprobs: tuple[TokenLogprob, ...],
    ended: bool = True,
) -> TextResponse[Any]:
    """A response: reasoning, text, tool calls, in that order. ``said`` is the answer, or the last line of its stream."""
    content: list[Part] = [ReasoningPart(reasoning)] if reasoning else []
    if text:
        content.append(TextPart(text))
    reason = said.get("done_reason")
    reason = reason if isinstance(reason, str) and reason else None
    model = said.get("model")
    return TextResponse(
        content=(*content, *calls),
        finish_reason=_finish(reason, calls=bool(calls)),
        raw_finish_reason=reason,
        logprobs=logprobs or None,
        usage=_usage(said, silent=ended and not (content or calls)),
        provider_metadata={name: value for name, value in said.items() if name not in _READ and value not in _NOTHING},
        model=model if isinstance(model, str) else "",
        provider=site.provider,
        raw=said,
    )


def speaks(said: Mapping[str, Any]) -> bool:
    """Whether this is an answer, or a line of one."""
    return isinstance(said.get("message"), Mapping) or isinstance(said.get("response"), str)


def pieces(said: Mapping[str, Any]) -> tuple[str, str, list[Any]]:
    """Text, reasoning and tool calls of an answer or a line, of either operation."""
    message = said.get("message")
    if isinstance(message, Mapping):
        calls = message.get("tool_calls")
        return _text(message.get("content")), _text(message.get("thinking")), calls if isinstance(calls, list) else []
    return _text(said.get("response")), _text(said.get("thinking")), []


def tokens(said: Mapping[str, Any]) -> tuple[TokenLogprob, ...]:
    """The log-probabilities of an answer or a line."""
    listed = said.get("logprobs")
    return read_logprobs({"content": listed}) if isinstance(listed, list) else ()


def object_in(body: bytes) -> Mapping[str, Any]:
    """The object that a body is. Raises ``AnswerError``."""
    try:
        said = json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"The answer is not JSON ({error}).", head=body[:200]) from None
    if not isinstance(said, Mapping):
        raise AnswerError("The answer is not a JSON object.", head=body[:200])
    return said


_NOTHING: tuple[Any, ...] = (None, "", [], {})


class Calls:
    """The tool calls of one answer. Each comes whole, in whichever line; what came without an id of its own gets one."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def take(self, entries: list[Any]) -> Iterator[ToolCall]:
        """The calls that these entries are. Raises ``AnswerError`` for one that names no function."""
        for entry in entries:
            function = entry.get("function") if isinstance(entry, Mapping) else None
            name = function.get("name") if isinstance(function, Mapping) else None
            if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
                head = json.dumps(entry, ensure_ascii=False)
                raise AnswerError(f"A tool call names no function: {head[:100]}.", head=head.encode()[:200])
            given = entry.get("id")
            yield ToolCall(self._own(given if isinstance(given, str) else ""), name, _arguments(function.get("arguments")))

    def _own(self, given: str) -> str:
        wanted = given or f"call_{len(self._ids)}"
        numbered = (f"{wanted}_{number}" for number in range(1, len(self._ids) + 2))
        own = wanted if wanted not in self._ids else next(name for name in numbered if name not in self._ids)
        self._ids.add(own)
        return own


def _arguments(value: object) -> str:
    if value is None:
        return "{}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _finish(reason: str | None, *, calls: bool) -> FinishReason:
    """The reason in our words. Ollama says ``stop`` of an answer that calls tools; ``load`` and ``unload`` are no answers."""
    found = _REASONS.get(reason or "", "other")
    return "tool_call" if calls and found != "length" else found


def _usage(said: Mapping[str, Any], *, silent: bool) -> Usage:
    """The counts of tokens.

    Ollama leaves a counter out where it is zero. No prompt is empty, so a count of it that is missing (the whole prompt was
    in its cache) is unknown; that of an answer in which nothing was said is zero.
    """
    entered, came = _count(said.get("prompt_eval_count")), _count(said.get("eval_count"))
    cached = _count(said.get("prompt_eval_cached_count"))
    return Usage(
        input_tokens=entered,
        output_tokens=0 if came is None and silent else came,
        cached_tokens=cached if entered is not None and cached is not None and cached <= entered else None,
    )


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
