"""What an endpoint's refusals mean: those of TGI, of TEI, of the Inference Toolkit, and of the proxy before them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelhub_openai.faults import dialect_fault

from modelhub.plugin import (
    BadRequest,
    ContextOverflow,
    HttpResponse,
    KeyRefused,
    ModelhubError,
    ModelLoading,
    ProviderDown,
    ProviderError,
    RateLimited,
    UnknownModel,
    Unsupported,
    fault,
    shown,
)

if TYPE_CHECKING:
    from modelhub_huggingface.endpoints.server import Server

__all__ = ["endpoint_fault"]

_COLD = (
    "no replica",
    "scaled to zero",
    "scaledtozero",
    "scaling up",
    "no healthy upstream",
    "no available server",
    "not ready",
    "initializ",
    "is loading",
    "currently loading",
    "starting up",
    "warming up",
)
"""What the proxy before an endpoint says, or the endpoint itself, as long as no replica is up."""
_PAUSED = ("is paused", "endpoint paused")
_UNAVAILABLE = re.compile(r"(?:503)?\W*(?:service (?:temporarily )?unavailable)?\W*", re.IGNORECASE)
_TOO_LONG = re.compile(r"must have less than (?P<window>\d+) (?P<unit>tokens|characters)\. Given: (?P<given>\d+)")
_TYPES: Mapping[str, type[ProviderError]] = {
    "overloaded": RateLimited,
    "validation": BadRequest,
    "tokenizer": BadRequest,
    "empty": BadRequest,
    "template_error": BadRequest,
    "tool_error": BadRequest,
    "input": BadRequest,
    "generation": ProviderDown,
    "incomplete_generation": ProviderDown,
    "incomplete_generation_stream": ProviderDown,
    "request_failed": ProviderDown,
    "backend": ProviderDown,
    "unhealthy": ProviderDown,
    "healthcheck": ProviderDown,
}
"""The servers' own words for kinds of errors (``error_type``); they alone tell what an error inside a stream is."""
_OTHER_KIND = re.compile(
    r"model is not an? (?P<kind>[a-z -]*(?:re-?ranker|embedding|classification)[a-z -]*) model", re.IGNORECASE
)


def endpoint_fault(response: HttpResponse, server: Server, model: str) -> ModelhubError:
    """The error that an answer stands for, with what to do about it."""
    said = _said(response.body)
    message = _message(said)
    words = (message or response.body[:400].decode("utf-8", "replace")).lower()
    if found := _TOO_LONG.search(message):
        return _overflow(message, found)
    if (found := _OTHER_KIND.search(message)) is not None:
        told = f"{message[:1].upper()}{message[1:]}: {_named(server, model)} is for something else."
        return Unsupported(told, feature=found["kind"].strip().lower(), model=_named(server, model))
    known: dict[str, Any] = {"provider": server.provider, "model": model}
    kind = _kind(response.status, words, str(said.get("error_type") or said.get("type") or "").lower(), message)
    if kind is ModelLoading:
        message = message or f"The endpoint is not up yet (status {response.status})."
    error = dialect_fault(response, **known) if kind is None else fault(response, message or None, kind=kind, **known)
    if isinstance(error, ProviderError) and (advice := _advice(error, response.status, words, server)):
        error.args = (f"{error.message.rstrip('.')}. {advice}",)
    return error


def _kind(status: int, words: str, word: str, message: str) -> type[ProviderError] | None:
    """The kind, where the status and the usual words would give another.

    A 503 that explains nothing is the proxy's: behind it, no replica is up.
    """
    match status:
        case 500 | 502 | 503 | 504 if _any(_COLD, words):
            return ModelLoading
        case 503 if not word and _UNAVAILABLE.fullmatch(message):
            return ModelLoading
        case 400 | 503 if _any(_PAUSED, words):
            return BadRequest
        case 0 | 424:
            return _TYPES.get(word)
        case _:
            return None


def _advice(error: ProviderError, status: int, words: str, server: Server) -> str:
    place = f"[providers.{server.provider}]"
    match error:
        case BadRequest() if _any(_PAUSED, words):
            return "Resume it on its page; a paused endpoint does not start by itself."
        case KeyRefused() if "authorization" in server.headers:
            return f"The token is from {server.headers['authorization']!r}; it has to be allowed to use this endpoint."
        case KeyRefused():
            return f'None was sent: write {place} api_key = {{ env = "HF_TOKEN" }}.'
        case _ if status in (404, 405) and not (isinstance(error, UnknownModel) and _any(("model", "endpoint"), words)):
            return f"Is the address right, and what runs there? base_url is {shown(server.root)}, server is {server.kind!r}."
        case _:
            return ""


def _overflow(message: str, found: re.Match[str]) -> ContextOverflow:
    """The text is too long; TEI's limit of characters tells nothing of tokens."""
    if found["unit"] == "characters":
        return ContextOverflow(message)
    return ContextOverflow(message, prompt_tokens=int(found["given"]), context_window=int(found["window"]))


def _said(body: bytes) -> Mapping[str, Any]:
    """The object that explains: what stands under ``error`` over the body itself."""
    try:
        raw = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return {}
    raw = raw[0] if isinstance(raw, list) and raw else raw
    if not isinstance(raw, Mapping):
        return {}
    inner = raw.get("error")
    return {**raw, **inner} if isinstance(inner, Mapping) else raw


def _message(said: Mapping[str, Any]) -> str:
    for name in ("message", "error", "detail"):
        value = said.get(name)
        if isinstance(value, list):
            value = "; ".join(_point(point) for point in value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _point(point: Any) -> str:
    """One of several things that are wrong: a text, or what FastAPI makes of it."""
    if not isinstance(point, Mapping):
        return str(point)
    where = ".".join(map(str, point.get("loc", ())))
    return f"{where}: {point.get('msg')}" if where else str(point.get("msg"))


def _named(server: Server, model: str) -> str:
    return f"{server.provider}:{model}"


def _any(marks: tuple[str, ...], words: str) -> bool:
    return any(mark in words for mark in marks)
