"""A chat answer read: tolerant of null, missing and unknown members; what is no answer at all raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelhub.plugin import (
    AnswerError,
    HttpResponse,
    ModelhubError,
    Part,
    ReasoningPart,
    TextPart,
    TextResponse,
    TokenLogprob,
    ToolCall,
    Usage,
)
from modelhub_openai.finish import finish_reason
from modelhub_openai.gathering import Extras, read_logprobs, reasoning_of, text_of
from modelhub_openai.site import Site
from modelhub_openai.tool_calls import read_calls
from modelhub_openai.usage import read_usage

__all__ = ["answer", "error_in", "first_choice", "parse", "reported", "sole_choice"]


def parse(response: HttpResponse, site: Site, name: str, extras: Extras) -> TextResponse[Any]:
    """A whole answer. Raises ``AnswerError`` where it holds none, and what an error in it means where it is one."""
    said = _object(response.body)
    if error_in(said):
        raise reported(site, name, said, response)
    choice = first_choice(said) or sole_choice(said)
    if choice is None:
        raise AnswerError(f"The answer has no choices{_begins(response.body)}.", head=response.body[:200])
    message = choice.get("message") or choice.get("delta")
    if not isinstance(message, Mapping):
        message = {"content": choice.get("text")}
        if not isinstance(choice.get("text"), str) and not choice.get("finish_reason"):
            raise AnswerError("The answer's choice has no message.", head=response.body[:200])
    extras.answer(said)
    extras.choice(choice)
    extras.message(message)
    logprobs = choice.get("logprobs")
    return answer(
        site.provider,
        model=said.get("model"),
        text=text_of(message.get("content")),
        refusal=text_of(message.get("refusal")),
        reasoning=reasoning_of(message),
        calls=read_calls(message),
        raw_reason=choice.get("finish_reason"),
        logprobs=read_logprobs(logprobs) if logprobs else None,
        usage=read_usage(said.get("usage")),
        extras=extras,
        raw=said,
    )


def answer(
    provider: str,
    *,
    model: object,
    text: str,
    refusal: str,
    reasoning: str,
    calls: tuple[ToolCall, ...],
    raw_reason: object,
    logprobs: tuple[TokenLogprob, ...] | None,
    usage: Usage,
    extras: Extras,
    raw: Any,
) -> TextResponse[Any]:
    """A response made of what came, whole or in pieces: reasoning, text, tool calls, in that order. A refusal is its text."""
    content: list[Part] = [ReasoningPart(reasoning)] if reasoning else []
    if said := text + refusal:
        content.append(TextPart(said))
    if refusal:
        extras.take("refusal", refusal)
    reason = raw_reason if isinstance(raw_reason, str) and raw_reason else None
    return TextResponse(
        content=(*content, *calls),
        finish_reason=finish_reason(reason, calls=bool(calls), refused=bool(refusal)),
        raw_finish_reason=reason,
        logprobs=logprobs or None,
        usage=usage,
        provider_metadata=extras.metadata,
        model=model if isinstance(model, str) else "",
        provider=provider,
        raw=raw,
    )


def first_choice(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first choice: an answer is one, also where several were asked for; ``raw`` has the others."""
    choices = said.get("choices")
    found = [choice for choice in choices if isinstance(choice, Mapping)] if isinstance(choices, list) else []
    return next((choice for choice in found if choice.get("index") not in _LATER), None)


def sole_choice(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The choice of a whole answer that has but one, whatever its index."""
    match said.get("choices"):
        case [Mapping() as choice]:
            return choice
        case _:
            return None


def error_in(said: Mapping[str, Any]) -> bool:
    """Whether this is an error that came with the status of a success."""
    return bool(said.get("error")) or said.get("object") == "error" or said.get("type") == "error"


def reported(site: Site, name: str, said: Mapping[str, Any], response: HttpResponse | None = None) -> ModelhubError:
    """The error that an object stands for, which came with the status of a success: it may say the status it is worth."""
    inner = said.get("error")
    parts = [part for part in (inner, said) if isinstance(part, Mapping)]
    worth = [str(part.get(word)) for part in parts for word in ("status", "code", "status_code")]
    status = next((int(code) for code in worth if code.isdecimal() and 400 <= int(code) < 600), 0)
    body = json.dumps(said, ensure_ascii=False).encode("utf-8", "backslashreplace")
    headers = {} if response is None else {"headers": response.headers}
    return site.fault(HttpResponse(status, body=body, **headers), name)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"The answer is not JSON ({error}){_begins(body)}.", head=body[:200]) from None
    if not isinstance(said, Mapping):
        raise AnswerError("The answer is not a JSON object.", head=body[:200])
    return said


def _begins(body: bytes) -> str:
    """What a body begins with, which mostly says what it is: a page that asks to log in, a host's own words for an error."""
    beginning = " ".join(body[:200].decode("utf-8", "replace").split())[:80]
    return f"; it begins with {beginning!r}" if beginning else "; it is empty"


_LATER = range(1, 129)
"""Indexes of choices that are not the first; whatever else stands there says nothing."""
