"""What an unsuccessful answer means, for most of the servers there are: pure, and classified by status first, by words last."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from modelhub.errors import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    KeyRefused,
    ModelhubError,
    ModelLoading,
    ProviderDown,
    ProviderError,
    RateLimited,
    UnknownModel,
)
from modelhub.http import HttpResponse, shown
from modelhub.transport.overflow import context_overflow, overflows
from modelhub.transport.patience import told_wait

__all__ = ["Known", "fault"]

_REQUEST_IDS = ("x-request-id", "request-id")
_FILTERED = ("content_filter", "content_policy", "content policy", "moderation")
_EXHAUSTED = ("insufficient_quota", "quota_exceeded", "exceeded your current quota", "billing", "credits")
_ADDRESS = re.compile(r"https?://\S+")
"""Many a rate limit that passes in seconds ends in the address of a page on billing."""
_BAD_KEY = ("invalid_api_key", "api_key_invalid", "api key not valid", "authentication_error", "unauthenticated")
_NO_MODEL = ("model_not_found", "unknown model", "model does not exist")
_LOADING = ("loading", "starting up", "warming up", "cold start")
_SLOW_DOWN = ("rate_limit", "rate limit", "too many requests", "resource_exhausted", "throttl")
_DOWN = ("overloaded", "unavailable", "server_error", "internal", "api_error", "timeout")


class Known(TypedDict, total=False):
    """What an endpoint knows better than the generic reading of an answer; whatever is left out is looked for."""

    kind: type[ModelhubError]
    """What the provider's own codes mean: ``ContextOverflow`` or a ``ProviderError`` class."""
    code: str | None
    wait: float | None
    """Seconds before the next try."""
    provider: str
    model: str
    request_id: str | None


def fault(response: HttpResponse, message: str | None = None, **known: Unpack[Known]) -> ModelhubError:
    """What an unsuccessful answer means, as an exception to be raised.

    An endpoint's ``fault`` is ``return fault(response, provider="parley", model=self.name)``. Words that only one provider
    uses are for its endpoint to read, and to hand on as ``kind``.
    ``message`` and ``code`` are looked for in the usual places of a JSON body where they are not given, ``wait`` (the seconds
    before the next try) and ``request_id`` in the usual headers. Gives ``ContextOverflow`` or one of the ``ProviderError``
    classes; its ``raw`` is the body, parsed where it is JSON. An error inside a stream is read the same way: make a response
    of the status it is worth (0 where it has none) and the event's data.
    """
    raw = _body(response)
    said = _said(raw)
    words = message or _text(said, "message", "detail", "error", "msg") or _unexplained(response, raw)
    code = known.get("code") or _text(said, "code", "status", "type", "error_type")
    marks = " ".join((code, _text(said, "type"), _text(said, "status"), words)).lower()
    kind = known.get("kind") or _kind(response.status, marks, said)
    if not issubclass(kind, ProviderError):
        return context_overflow(words) if kind is ContextOverflow else kind(words)
    wait = known.get("wait")
    error = kind(
        words,
        status=response.status or None,
        code=code or None,
        retry_after=wait if wait is not None else _told(response, said),
        provider=known.get("provider", ""),
        model=known.get("model", ""),
        request_id=known.get("request_id") or _request_id(response),
        raw=raw,
    )
    used_up = response.status == 402 or _any(_EXHAUSTED, _ADDRESS.sub("", marks))
    return _final(error) if kind is RateLimited and used_up else error


def _request_id(response: HttpResponse) -> str | None:
    return next((response.headers[field] for field in _REQUEST_IDS if field in response.headers), None)


def _final(error: ProviderError) -> ProviderError:
    """An error that waiting does not mend: what is used up is used up."""
    error.retryable = False
    return error


def _kind(status: int, words: str, said: Mapping[str, Any]) -> type[ModelhubError]:
    match status:
        case 401:
            return KeyRefused
        case 403:
            return ContentFiltered if _any(_FILTERED, words) else KeyRefused
        case 402 | 429:
            return RateLimited
        case 404:
            return UnknownModel
        case 408 | 409 | 425:
            return ProviderDown
        case 501 | 505:
            return BadRequest
        case 503 if "estimated_time" in said or _any(_LOADING, words):
            return ModelLoading
        case 500 if overflows(words):
            return ContextOverflow
        case _ if status >= 500:
            return ProviderDown
        case _ if 300 <= status < 500:
            return _by_words(words, BadRequest)
        case _:
            return _by_words(words, _passing(words))


def _passing(words: str) -> type[ProviderError]:
    """What an error without a status of its own is, if it is one that passes."""
    if _any(_SLOW_DOWN, words):
        return RateLimited
    return ProviderDown if _any(_DOWN, words) else ProviderError


def _by_words(words: str, otherwise: type[ModelhubError]) -> type[ModelhubError]:
    if _any(_FILTERED, words):
        return ContentFiltered
    if overflows(words):
        return ContextOverflow
    if _any(_BAD_KEY, words):
        return KeyRefused
    return UnknownModel if _any(_NO_MODEL, words) else otherwise


def _any(marks: tuple[str, ...], words: str) -> bool:
    return any(mark in words for mark in marks)


def _body(response: HttpResponse) -> Any:
    text = response.body.decode("utf-8-sig", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _said(raw: Any) -> Mapping[str, Any]:
    """The object that explains: the body itself or what stands under ``error``, also inside a list of one."""
    if isinstance(raw, list) and raw:
        raw = raw[0]
    if not isinstance(raw, Mapping):
        return {}
    inner = raw.get("error")
    return {**raw, **inner} if isinstance(inner, Mapping) else raw


def _text(said: Mapping[str, Any], *names: str) -> str:
    """The first of these members that is a text or a number, as a text."""
    for name in names:
        value = said.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def _unexplained(response: HttpResponse, raw: Any) -> str:
    if 300 <= response.status < 400:
        where = f" to {shown(location)[:200]}" if (location := response.headers.get("location")) else ""
        what = f"The server redirects{where} (status {response.status}), which is not followed"
        return f"{what}: set the address it should be sent to."
    begins = re.sub(r"<[^>]*>|\s+", " ", raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False))
    begins = " ".join(begins.split())[:200]
    return f"Status {response.status}: {begins}" if begins else f"Status {response.status}, without an explanation."


def _told(response: HttpResponse, said: Mapping[str, Any]) -> float | None:
    told = told_wait(response.headers)
    estimate = said.get("estimated_time")
    return told if told is not None or isinstance(estimate, bool) or not isinstance(estimate, int | float) else float(estimate)
