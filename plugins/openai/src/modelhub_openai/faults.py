"""What an unsuccessful answer means, where the dialect's hosts use words of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from modelhub.plugin import (
    BadRequest,
    ContentFiltered,
    ContextOverflow,
    HttpResponse,
    ModelhubError,
    ProviderDown,
    ProviderError,
    RateLimited,
    UnknownModel,
    fault,
)

__all__ = ["dialect_fault"]


def dialect_fault(response: HttpResponse, *, provider: str, model: str) -> ModelhubError:
    """The error of one of the dialect's hosts, as ``fault`` reads it, with what only these say."""
    said = _said(response.body)
    words = " ".join(str(said.get(name) or "") for name in ("code", "type", "message", "error", "detail")).lower()
    if (overflow := _overflow(said)) is not None:
        return overflow
    kind = _kind(response.status, words)
    known: dict[str, Any] = {"provider": provider, "model": model, **({} if kind is None else {"kind": kind})}
    error = fault(response, **known)
    if isinstance(error, RateLimited):
        error.retryable = error.retryable or said.get("code") == "rate_limit_exceeded"
    if isinstance(error, ProviderError) and error.retryable and error.retry_after is None:
        error.retry_after = _told_wait(error.message)
    return error


def _kind(status: int, words: str) -> type[ModelhubError] | None:
    """The kind, where the status and the usual words would give another."""
    match status:
        case 424:
            return ProviderDown
        case 498:
            return RateLimited
        case 413 if "rate_limit" in words:
            return BadRequest  # larger than what a whole minute allows: it never passes
        case 400 | 403 | 404 | 422 if _any(_NO_MODEL, words):
            return UnknownModel
        case 400 | 403 | 422 if _any(_FILTERED, words):
            return ContentFiltered
        case 403 if _any(_PLACES, words):
            return BadRequest
        case 0 if "insufficient_quota" in words:
            return RateLimited
        case _:
            return None


_NO_MODEL = (
    "model_not_found",
    "model not exist",
    "non-serverless model",
    "no models loaded",
    "not a valid model",
    "invalid model",
    "invalid_model",
    "deploymentnotfound",
    "model_decommissioned",
    "unknown_model",
)
_FILTERED = (
    "content_filter",
    "contentfilter",
    "content_policy",
    "moderation_blocked",
    "requires moderation",
    "safety system",
    "content exists risk",
    "flagged as potentially",
    "responsibleaipolicyviolation",
)
_PLACES = ("unsupported_country", "virtual network", "firewall", "traffic is not from an approved")
"""Refusals of where the request comes from; another key would not help."""
_WAIT = re.compile(
    r"(?:try again in|retry after|please wait)\s+(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m(?!s))?"
    r"(?:(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|milliseconds|s\b|seconds?))?",
    re.IGNORECASE,
)


def _told_wait(message: str) -> float | None:
    """The seconds that a message names: ``Please try again in 1m47.5s``."""
    found = _WAIT.search(message)
    if found is None or not any(found.groupdict().values()):
        return None
    number = float(found["number"] or 0) / (1000 if (found["unit"] or "").lower().startswith("m") else 1)
    return int(found["hours"] or 0) * 3600 + int(found["minutes"] or 0) * 60 + number


def _overflow(said: Mapping[str, Any]) -> ContextOverflow | None:
    """llama.cpp's server tells the numbers beside its message."""
    if said.get("type") != "exceed_context_size_error":
        return None
    prompt, window = said.get("n_prompt_tokens"), said.get("n_ctx")
    return ContextOverflow(
        str(said.get("message")),
        prompt_tokens=prompt if isinstance(prompt, int) else None,
        context_window=window if isinstance(window, int) else None,
    )


def _said(body: bytes) -> Mapping[str, Any]:
    """The object that explains: what stands under ``error`` over the body itself."""
    try:
        raw = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return {}
    if isinstance(raw, list) and raw:
        raw = raw[0]
    if not isinstance(raw, Mapping):
        return {}
    inner = raw.get("error")
    return {**raw, **inner} if isinstance(inner, Mapping) else raw


def _any(marks: tuple[str, ...], words: str) -> bool:
    return any(mark in words for mark in marks)
