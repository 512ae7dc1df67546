"""A hub of the tests that gives files: one repository, its large files on another server, as the real one does.

    with ScriptedRepository(folder) as hub:
        ...                                          # [providers.huggingface] hub_url = hub.url

A folder's files are the repository; ``large`` ones are redirected to ``hub.files``, and may be asked for from the middle on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from modelhub.testing import FaultServer, Received, Reply

__all__ = ["COMMIT", "ScriptedRepository"]

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class ScriptedRepository:
    """``token`` is the only one that sees it, where there is one; ``gated``, also that one has not accepted its terms."""

    def __init__(self, folder: Path | str, name: str = "acme/tiny", *, token: str | None = None, gated: bool = False) -> None:
        self.folder = Path(folder)
        self.name = name
        self.token = token
        self.gated = gated
        self.faults: list[Callable[[Reply], Reply]] = []
        """What becomes of the next answers with a large file's bytes."""
        self.small: bytes | None = None
        """What comes instead of any small file."""
        self.extra: tuple[dict[str, Any], ...] = ()
        """Files that are listed beside."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.server = self._stack.enter_context(FaultServer(self._answer))
        self.files = self._stack.enter_context(FaultServer(self._bytes))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return self.server.url

    def fetched(self) -> set[str]:
        """The files whose bytes were given."""
        small = [request.path for request in self.server.requests if request.method == "GET" and "/resolve/" in request.path]
        return {unquote(path).rpartition(f"/{COMMIT}/")[2] for path in small} | {
            unquote(request.path)[1:] for request in self.files.requests
        }

    def _answer(self, request: Received) -> Reply:
        if (refused := self._refused(request)) is not None:
            return refused
        path = unquote(urlsplit(request.path).path)
        about = f"/api/models/{self.name}"
        if path in (about, f"{about}/revision/main", f"{about}/revision/{COMMIT}"):
            told = [{"rfilename": file, **self._told(file)} for file in self._names()]
            return Reply(json={"id": self.name, "sha": COMMIT, "siblings": [*self.extra, *told], "tags": [], "private": False})
        for revision in ("main", COMMIT):
            start = f"/{self.name}/resolve/{revision}/"
            if path.startswith(start) and path.removeprefix(start) in self._names():
                return self._resolved(path.removeprefix(start))
        if path.startswith((about, f"/{self.name}/")):
            code = "EntryNotFound" if "/resolve/" in path else "RevisionNotFound"
            return _error(404, code, "Not here.")
        return _error(404, "RepoNotFound", "Repository not found")

    def _refused(self, request: Received) -> Reply | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or None
        if self.token is not None and given != self.token:
            said = "Invalid username or password." if given is None else "Repository not found"
            return _error(401 if given is None else 404, "RepoNotFound", said)
        if self.gated and "/resolve/" in request.path:
            return _error(403, "GatedRepo", f"Access to model {self.name} is restricted. Your token is {given}.")
        return None

    def _names(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def _told(self, file: str) -> dict[str, Any]:
        data = (self.folder / file).read_bytes()
        large = (
            {"lfs": {"oid": _sum(data), "sha256": _sum(data), "size": len(data), "pointerSize": 130}} if _is_large(file) else {}
        )
        return {"size": len(data), "blobId": _git(data), **large}

    def _resolved(self, file: str) -> Reply:
        data = (self.folder / file).read_bytes()
        about = {"x-repo-commit": COMMIT, "accept-ranges": "bytes"}
        if _is_large(file):
            linked = {"x-linked-etag": f'"{_sum(data)}"', "x-linked-size": str(len(data)), "etag": '"of-the-pointer"'}
            return Reply(302, {**about, **linked, "location": f"{self.files.url}/{file}"})
        about["etag"] = f'"{_git(data)}"'
        return Reply(200, about, data if self.small is None else self.small)

    def _bytes(self, request: Received) -> Reply:
        """What another server gives to whoever has the address: no token goes there."""
        assert "authorization" not in request.headers
        data = (self.folder / unquote(request.path)[1:]).read_bytes()
        part = _RANGE.fullmatch(request.headers.get("range", ""))
        reply = Reply(200, {}, data)
        if part is not None:
            start = int(part[1])
            reply = Reply(206, {"content-range": f"bytes {start}-{len(data) - 1}/{len(data)}"}, data[start:])
        return self.faults.pop(0)(reply) if self.faults else reply


def _is_large(file: str) -> bool:
    return file.endswith((".safetensors", ".bin"))


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"x-error-code": code, "x-error-message": message}, json={"error": message})
