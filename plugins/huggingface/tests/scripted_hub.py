"""A hub of the tests: a loopback server that answers the hub's interface as the real one does, as far as a client can tell.

    with ScriptedHub() as hub:
        ...                                          # [providers.huggingface] hub_url = hub.url
        assert hub.asked("/api/models/") == [...]

It knows tokens, private and gated models, ETags and 304, redirects to a cache of its own and to a server of large files, pages
with a ``Link`` header, and the headers that say what went wrong. ``down`` is what it answers everything with, where it is set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from hub_shelf import MODELS, HubModel

from modelhub.testing import FaultServer, Received, Reply

__all__ = ["ScriptedHub"]

_KNOWN = {
    "search", "filter", "pipeline_tag", "gated", "num_parameters", "inference_provider", "sort", "direction", "limit", "cursor",
    "expand",
}  # fmt: skip
_TOKENS = ("hf_acme", "hf_accepted", "hf_other")
_ALWAYS = ("id", "modelId")


class ScriptedHub:
    """A context manager. ``models`` may be changed while it runs."""

    def __init__(self, *models: HubModel, large: tuple[str, ...] = ()) -> None:
        self.models = {model.id: model for model in models or MODELS}
        self.large = large
        """The files that lie on the other server."""
        self.down: Reply | None = None
        self._sent: list[int] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.server = self._stack.enter_context(FaultServer(self._answer))
        self.files = self._stack.enter_context(FaultServer(self._file))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.url

    def stop(self) -> None:
        """End it: from now on nobody answers."""
        self.server.close()

    def asked(self, start: str = "/") -> list[str]:
        """The paths of the requests that began so, without their queries."""
        paths = [unquote(request.path.partition("?")[0]) for request in self.server.requests]
        return [path for path in paths if path.startswith(start)]

    def searches(self) -> list[dict[str, list[str]]]:
        """What models were searched by."""
        found = [urlsplit(request.path) for request in self.server.requests]
        return [parse_qs(parts.query) for parts in found if parts.path == "/api/models"]

    def statuses(self, status: int) -> int:
        """How many answers had that status."""
        return self._sent.count(status)

    def _answer(self, request: Received) -> Reply:
        reply = self.down or self._told(request)
        self._sent.append(reply.status)
        return reply

    def _told(self, request: Received) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or None
        if token is not None and token not in _TOKENS:
            return _error(401, "", "Invalid credentials in Authorization header")
        parts = urlsplit(request.path)
        query, path = parse_qsl(parts.query), unquote(parts.path)
        if path == "/api/models":
            return self._page(query, token)
        if path.startswith("/api/resolve-cache/models/"):
            owner, name, sha, file = path.removeprefix("/api/resolve-cache/models/").split("/", 3)
            return _whole(_content(self.models[f"{owner}/{name}"], file), request, {"x-repo-commit": sha})
        if path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            return self._info(name, revision, query, token, request)
        name, _, rest = path.removeprefix("/").partition("/resolve/")
        return self._resolve(name, *rest.split("/", 1), token=token)

    def _missing(self, name: str, token: str | None) -> Reply | None:
        model = self.models.get(name)
        if model is not None and (model.readers is None or token in model.readers):
            return None
        if token is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        return _error(404, "RepoNotFound", "Repository not found")

    def _info(self, name: str, revision: str, query: list[tuple[str, str]], token: str | None, request: Received) -> Reply:
        if (missing := self._missing(name, token)) is not None:
            return missing
        model = self.models[name]
        if revision not in ("", "main", model.sha):
            return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        said = json.dumps(_expanded(model.info, query), ensure_ascii=False).encode()
        return _whole(said, request, {"content-type": "application/json; charset=utf-8"})

    def _resolve(self, name: str, revision: str, file: str, token: str | None) -> Reply:
        if (missing := self._missing(name, token)) is not None:
            return missing
        model = self.models[name]
        if revision not in ("main", model.sha):
            return _error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if model.info["gated"] and file != "README.md" and token not in model.accepted:
            words = f"Access to model {name} is restricted. You must have access to it and be authenticated to access it."
            return _error(401 if token is None else 403, "GatedRepo", words)
        if file not in model.files and not (file == "README.md" and model.readme):
            return _error(404, "EntryNotFound", "Entry not found")
        commit = {"x-repo-commit": model.sha}
        if file in self.large:
            return Reply(302, headers={**commit, "location": f"{self.files.url}/{name}/{file}?Signature=abc"})
        return Reply(307, headers={**commit, "location": f"/api/resolve-cache/models/{name}/{model.sha}/{file}?etag=x"})

    def _file(self, request: Received) -> Reply:
        owner, name, file = unquote(urlsplit(request.path).path).removeprefix("/").split("/", 2)
        return _whole(_content(self.models[f"{owner}/{name}"], file), request)

    def _page(self, query: list[tuple[str, str]], token: str | None) -> Reply:
        asked = dict(query)
        if not asked.keys() <= _KNOWN:
            return Reply(400, json={"error": f"Unrecognized key(s): {sorted(asked.keys() - _KNOWN)}"})
        found = [model.info for model in self.models.values() if self._missing(model.id, token) is None]
        found = [info for info in found if _fits(info, query)]
        found.sort(key=lambda info: info.get(asked.get("sort", "downloads")) or 0, reverse=True)
        start, limit = int(asked.get("cursor", 0)), int(asked.get("limit", 1000))
        rows = [_listed(_expanded(info, query)) for info in found[start : start + limit]]
        headers = {}
        if start + limit < len(found):
            rest = [*(pair for pair in query if pair[0] != "cursor"), ("cursor", str(start + limit))]
            headers["link"] = f'<{self.url}/api/models?{urlencode(rest)}>; rel="next"'
        return Reply(json=rows, headers={**headers, "ratelimit": '"api";r=499;t=300'})


def _fits(info: Mapping[str, Any], query: list[tuple[str, str]]) -> bool:
    for name, value in query:
        match name:
            case "search" if value.lower() not in info["id"].lower():
                return False
            case "filter" if value not in info["tags"]:
                return False
            case "pipeline_tag" if info.get("pipeline_tag") != value:
                return False
            case "gated" if bool(info["gated"]) != (value == "true"):
                return False
            case "inference_provider" if value != "all" or not info["inferenceProviderMapping"]:
                return False
            case "num_parameters" if not _within(info, value):
                return False
    return True


def _within(info: Mapping[str, Any], bounds: str) -> bool:
    total = info.get("safetensors", info.get("gguf", {})).get("total")
    most = int(bounds.removeprefix("max:").removesuffix("B")) * 1_000_000_000
    return total is not None and total <= most


def _expanded(info: Mapping[str, Any], query: list[tuple[str, str]]) -> dict[str, Any]:
    wanted = {value for name, value in query if name == "expand"}
    return {name: value for name, value in info.items() if not wanted or name in _ALWAYS or name in wanted}


def _listed(info: dict[str, Any]) -> dict[str, Any]:
    """In a list of models, who serves one is a list too."""
    mapping = info.get("inferenceProviderMapping")
    if mapping is not None:
        info["inferenceProviderMapping"] = [{"provider": by, **offer} for by, offer in mapping.items()]
    return info


def _content(model: HubModel, file: str) -> bytes:
    said = model.readme if file == "README.md" else model.files[file]
    if isinstance(said, bytes):
        return said
    return said.encode("utf-8", "surrogateescape") if isinstance(said, str) else json.dumps(said).encode()


def _whole(said: bytes, request: Received, headers: Mapping[str, str] | None = None) -> Reply:
    etag = f'W/"{hashlib.sha1(said).hexdigest()}"'
    told = {**(headers or {}), "etag": etag}
    if request.headers.get("if-none-match") == etag:
        return Reply(304, headers=told)
    if request.method == "HEAD":
        return Reply(headers={**told, "x-linked-size": str(len(said))})
    asked = request.headers.get("range", "")
    if asked.startswith("bytes=0-"):
        return Reply(206, headers=told, body=said[: int(asked.removeprefix("bytes=0-")) + 1])
    return Reply(headers=told, body=said)


def _error(status: int, code: str, words: str) -> Reply:
    headers = {"x-error-message": words, **({"x-error-code": code} if code else {})}
    return Reply(status, headers=headers, json={"error": words})
