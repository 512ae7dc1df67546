"""An answer of the responses API read: its output items as content, its status as the reason why it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
)
from modelhub_openai.chat_answer import error_in, reported
from modelhub_openai.gathering import read_logprobs
from modelhub_openai.responses_items import signature
from modelhub_openai.site import Site
from modelhub_openai.usage import read_usage

__all__ = ["answer", "call_id", "parse"]

_TOLD = ("id", "service_tier", "previous_response_id", "conversation", "content_filters", "moderation", "background")
"""The members beside the answer that say something of it; the others repeat the request."""
_INCOMPLETE: Mapping[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


def parse(response: HttpResponse, site: Site, name: str) -> TextResponse[Any]:
    """A whole answer. Raises ``AnswerError`` where it holds none, and what an error in it means where it failed."""
    try:
        said = json.loads(response.body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"The answer is not JSON: {error}.", head=response.body[:200]) from None
    if not isinstance(said, Mapping):
        raise AnswerError("The answer is not a JSON object.", head=response.body[:200])
    if error_in(said):
        raise reported(site, name, said, response)
    if not isinstance(said.get("output"), list):
        raise AnswerError("The answer has no output.", head=response.body[:200])
    return answer(said, site.provider)


def answer(said: Mapping[str, Any], provider: str) -> TextResponse[Any]:
    """The response that a response object stands for, whole or as far as it has come."""
    output = [item for item in said.get("output") or () if isinstance(item, Mapping)]
    refusals = [text for part in _parts(output) if (text := _word(part, "refusal"))]
    content = tuple(part for item in output for part in _content(item))
    raw_reason = _raw_reason(said)
    return TextResponse(
        content=content,
        finish_reason=_finish_reason(said, content, bool(refusals)),
        raw_finish_reason=raw_reason or None,
        logprobs=_logprobs(output),
        usage=read_usage(said.get("usage")),
        provider_metadata=_metadata(said, output, refusals),
        model=_word(said, "model"),
        provider=provider,
        raw=said,
    )


def call_id(item: Mapping[str, Any]) -> str:
    """By which id a function call is answered."""
    return _word(item, "call_id") or _word(item, "id")


def _content(item: Mapping[str, Any]) -> Iterator[Part]:
    match item.get("type"):
        case "message":
            for part in [{"text": item["content"]}] if isinstance(item.get("content"), str) else _list(item, "content"):
                if text := _word(part, "text") or _word(part, "refusal"):
                    yield TextPart(text)
        case "reasoning":
            texts = [_word(part, "text") for part in (*_list(item, "content"), *_list(item, "summary"))]
            thought, signed = "\n\n".join(filter(None, texts)), signature(item)
            if thought or signed:
                yield ReasoningPart(thought, signed)
        case "function_call":
            yield ToolCall(call_id(item), _word(item, "name"), _word(item, "arguments"))


def _raw_reason(said: Mapping[str, Any]) -> str:
    details = said.get("incomplete_details")
    reason = _word(details, "reason") if isinstance(details, Mapping) else ""
    return reason or _word(said, "status")


def _finish_reason(said: Mapping[str, Any], content: Sequence[Part], refused: bool) -> FinishReason:
    match said.get("status"):
        case "completed":
            if any(isinstance(part, ToolCall) for part in content):
                return "tool_call"
            return "content_filter" if refused else "stop"
        case "incomplete":
            return _INCOMPLETE.get(_raw_reason(said), "other")
        case "failed" | "cancelled":
            return "error"
        case _:
            return "other"


def _logprobs(output: Sequence[Mapping[str, Any]]) -> tuple[TokenLogprob, ...] | None:
    found = [token for part in _parts(output) for token in read_logprobs({"content": part.get("logprobs")})]
    return tuple(found) or None


def _metadata(said: Mapping[str, Any], output: Sequence[Mapping[str, Any]], refusals: Sequence[str]) -> dict[str, Any]:
    told = {name: said[name] for name in _TOLD if said.get(name) not in (None, "", [], {})}
    annotations = [note for part in _parts(output) for note in _list(part, "annotations")]
    others = [item for item in output if item.get("type") not in ("message", "reasoning", "function_call")]
    own = {"annotations": annotations, "items": others, "refusal": "".join(refusals)}
    return {**told, **{name: value for name, value in own.items() if value}}


def _parts(output: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The parts of all messages."""
    for item in output:
        if item.get("type") == "message":
            yield from _list(item, "content")


def _list(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = said.get(name)
    return [part for part in found if isinstance(part, Mapping)] if isinstance(found, list) else []


def _word(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    return found if isinstance(found, str) else ""
