"""Recordings of a provider: what it was asked, what it answered whole, what it answered in pieces, and what that means."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelhub.http import Headers, HttpResponse

__all__ = ["Recording", "recordings"]

_MEDIA_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "txt": "text/event-stream", "wav": "audio/wav"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One exchange. Whatever is ``None`` was not recorded, and is not checked.

    ``request`` is the JSON body that ``build`` writes, ``response`` the body of a whole answer, ``chunks`` the body of the
    same answer streamed. ``answer`` is what the response says, attribute by attribute:
    ``{"text": "こんにちは", "finish_reason": "stop", "usage": {"input_tokens": 3}}``.
    """

    name: str
    request: Any = None
    response: bytes | None = field(default=None, repr=False)
    chunks: bytes | None = field(default=None, repr=False)
    answer: Mapping[str, Any] = field(default_factory=dict)
    response_type: str = "application/json"
    chunks_type: str = "text/event-stream"

    def whole(self) -> HttpResponse:
        """The answer to a call."""
        assert self.response is not None, f"Recording {self.name!r} has no whole answer: add {self.name}.response.json."
        return HttpResponse(200, Headers({"content-type": self.response_type}), self.response)

    def streamed(self) -> HttpResponse:
        """The answer to a stream."""
        assert self.chunks is not None, f"Recording {self.name!r} has no stream: add {self.name}.chunks.txt."
        return HttpResponse(200, Headers({"content-type": self.chunks_type}), self.chunks)


def recordings(folder: str | os.PathLike[str]) -> list[Recording]:
    """The recordings of a folder, by name: ``NAME.request.json``, ``NAME.response.json`` (or ``.wav``...), ``NAME.chunks.txt``
    (or ``.ndjson``...), ``NAME.answer.json``. Each file is optional.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(os.listdir(folder)):
        match file.split("."):
            case [name, ("request" | "answer") as role, "json"]:
                with open(os.path.join(folder, file), encoding="utf-8") as text:
                    found.setdefault(name, {})[role] = json.load(text)
            case [name, ("response" | "chunks") as role, suffix]:
                with open(os.path.join(folder, file), "rb") as body:
                    found.setdefault(name, {})[role] = body.read()
                found[name][f"{role}_type"] = _MEDIA_TYPES.get(suffix, "application/octet-stream")
    return [Recording(name=name, **parts) for name, parts in found.items()]


def differences(expected: Any, actual: Any, path: str = "response") -> list[str]:
    """Where ``actual`` (a response, or anything inside one) is not what the plain data ``expected`` says; empty if nowhere."""
    if isinstance(expected, Mapping):
        pairs = ((value, _member(actual, name), f"{path}.{name}") for name, value in expected.items())
        return [line for value, member, where in pairs for line in differences(value, member, where)]
    if isinstance(expected, Sequence) and not isinstance(expected, (str, bytes)):
        if not isinstance(actual, Sequence) or len(actual) != len(expected):
            return [f"{path} is {actual!r}, the recording says {expected!r}"]
        pairs = ((value, actual[place], f"{path}[{place}]") for place, value in enumerate(expected))
        return [line for value, member, where in pairs for line in differences(value, member, where)]
    return [] if expected == actual else [f"{path} is {actual!r}, the recording says {expected!r}"]


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
