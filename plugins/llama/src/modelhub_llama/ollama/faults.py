"""What Ollama's errors mean: one sentence under ``error``, which may hold the error of the engine below it as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelhub.plugin import (
    BadRequest,
    ContextOverflow,
    HttpResponse,
    ModelhubError,
    ModelLoading,
    ProviderDown,
    RateLimited,
    UnknownModel,
    Unsupported,
    fault,
    shown,
)

if TYPE_CHECKING:
    from modelhub_llama.ollama.site import Ollama

__all__ = ["error_in", "ollama_fault", "reported"]

_TOO_LONG = (
    "exceeds the context length",
    "longer than the context length",
    "exceed_context_size",
    "exceeds the available context",
)
_LACKING = {
    "does not support tools": "tools",
    "does not support image": "images",
    "does not support multimodal": "images",
    "does not support vision": "images",
    "missing data required for image input": "images",
    "does not support chat": "text",
    "does not support generate": "text",
    "does not support embed": "embedding",
    "does not support insert": "suffix",
}
_BUSY = ("server busy", "maximum pending requests")
_LOADING = ("loading model", "model is loading", "waiting for llama runner to start")
_TOO_LARGE = ("requires more system memory", "unable to allocate", "out of memory", "insufficient memory")
_UNPULLABLE = ("pull model manifest", "file does not exist")


def ollama_fault(response: HttpResponse, site: Ollama, model: str) -> ModelhubError:
    """The error that an answer of Ollama's stands for; of another server, what its status says, and a word on the address."""
    said = _said(response.body)
    message = _message(said)
    words = f"{message} {said.get('type', '')}".lower()
    if _any(_TOO_LONG, words):
        return _overflow(said, message, site, model)
    lacking = next((feature for mark, feature in _LACKING.items() if mark in words), None)
    if lacking is not None and response.status in (0, 400, 500, 501):
        return Unsupported(f"{_named(model)} cannot do this: {message}.", feature=lacking, model=f"{site.provider}:{model}")
    known: dict[str, Any] = {"provider": site.provider, "model": model}
    if kind := _kind(response.status, words):
        known["kind"] = kind
    error = fault(response, message or None, **known)
    if isinstance(error, UnknownModel):
        error.args = (_unknown(error.message, words, site, model),)
    if isinstance(error, ProviderDown) and _any(_TOO_LARGE, words):
        error.retryable = False  # the same model on the same machine fails again
    return error


def error_in(said: Mapping[str, Any]) -> bool:
    """Whether this is an error that came with the status of a success."""
    return bool(said.get("error"))


def reported(said: Mapping[str, Any], site: Ollama, model: str) -> ModelhubError:
    """The error that a line of a stream, or an answer under the status of a success, stands for."""
    status = said.get("status_code")
    body = json.dumps(said, ensure_ascii=False).encode("utf-8", "backslashreplace")
    worth = status if isinstance(status, int) and 400 <= status < 600 else 0
    return site.fault(HttpResponse(worth, body=body), model)


def _kind(status: int, words: str) -> type[ModelhubError] | None:
    """The kind, where the status and the usual words would give another."""
    match status:
        case 0 | 503 if _any(_BUSY, words):
            return RateLimited
        case 0 | 500 | 503 if _any(_LOADING, words):
            return ModelLoading
        case 0 | 400 | 500 if _any(_UNPULLABLE, words) or ("model" in words and "not found" in words):
            return UnknownModel
        case 0 if _any(_TOO_LARGE, words) or "runner" in words or "cuda" in words:
            return ProviderDown
        case 499:
            return ProviderDown  # whoever stands between went away
        case 405:
            return BadRequest
        case _:
            return None


def _unknown(message: str, words: str, site: Ollama, model: str) -> str:
    """A 404: of a model that is not here, or of a server that is no Ollama."""
    if model and (_any(_UNPULLABLE, words) or ("model" in words and "not found" in words)):
        asked = f"Ollama at {shown(site.base_url)} has no model {model!r} ({message.rstrip('.')})"
        return f"{asked}. `ollama pull {model}` fetches it, and so does `modelhub models pull {site.provider}:{model}`."
    return (
        f"{message.rstrip('.')}. Is there an Ollama of a recent version at {shown(site.base_url)}? base_url ends before /api."
    )


def _overflow(said: Mapping[str, Any], message: str, site: Ollama, model: str) -> ContextOverflow:
    prompt, window = _count(said.get("n_prompt_tokens")), _count(said.get("n_ctx")) or site.context_window
    told = message.rstrip(".")
    advice = (
        f"Shorten it, or raise context_window in [providers.{site.provider}] as far as {_named(model)} and the memory allow."
    )
    return ContextOverflow(f"{told[:1].upper()}{told[1:]}. {advice}", prompt_tokens=prompt, context_window=window)


def _said(body: bytes) -> Mapping[str, Any]:
    """The object that explains. Under ``error`` stands a text, an object, or a text that is the engine's object as JSON."""
    said = _json(body.decode("utf-8-sig", "replace"))
    for _ in range(3):
        inner = said.get("error")
        inner = _json(inner) if isinstance(inner, str) and inner.lstrip().startswith("{") else inner
        if not isinstance(inner, Mapping) or not inner:
            break
        said = {**{name: value for name, value in said.items() if name != "error"}, **inner}
    return said


def _json(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, Mapping) else {}


def _message(said: Mapping[str, Any]) -> str:
    told = said.get("message") or said.get("error")
    return told.strip() if isinstance(told, str) else ""


def _count(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _named(model: str) -> str:
    return f"the model {model!r}" if model else "the model"


def _any(marks: tuple[str, ...], words: str) -> bool:
    return any(mark in words for mark in marks)
