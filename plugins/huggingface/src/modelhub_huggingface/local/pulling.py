"""``modelhub models pull huggingface:OWNER/MODEL``: a model fetched from the hub into its cache on this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelhub.plugin import (
    AnswerError,
    Bearer,
    Download,
    Headers,
    HttpResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    ProviderError,
    Runtime,
    SetupError,
    Timeouts,
    UnknownModel,
)
from modelhub_huggingface.hub.asking import ask
from modelhub_huggingface.hub.faults import hub_fault
from modelhub_huggingface.hub.local import local_card
from modelhub_huggingface.hub.site import Site, site
from modelhub_huggingface.hub.source import is_offline, table
from modelhub_huggingface.local.files import repository_folder
from modelhub_huggingface.local.repository import needed
from modelhub_huggingface.local.snapshots import Snapshot
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["pull"]

Progress = Callable[[int, int, str], object]
_PATIENCE = Timeouts(first_token=60.0, idle=60.0, total=None)
_SPARE = 64 << 20
_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
_COMMIT, _HASH = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PATH = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[^/\\:\0]+(?:/[^/\\:\0]+)*")


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the repository. ``etag`` is its hash: SHA-256 of a large one, of a small one that of git."""

    name: str
    size: int
    etag: str

    @property
    def sha256(self) -> str | None:
        return self.etag if len(self.etag) == 64 else None


async def pull(name: str, options: HuggingFaceOptions | None, runtime: Runtime, progress: Progress) -> ModelCard:
    """Fetch the files that the model needs (safetensors, no code) into the hub's cache, and give its card.

    What is there already is not fetched again, and what was broken off is gone on with, also within a file. ``progress`` is
    told bytes. Raises ``UnknownModel``, ``KeyRefused`` where its terms have to be accepted, ``SetupError`` where there is no
    room or nothing that may be loaded, ``AnswerError`` for a file that came damaged, and what asking a server may raise.
    """
    options = options or HuggingFaceOptions()
    if options.is_path(name):
        raise InvalidRequest(f"{name} is a folder on this machine: what is there need not be fetched.")
    if is_offline(options):
        raise SetupError("The hub is not to be asked: take out offline = true, or HF_HUB_OFFLINE, to fetch a model.")
    if not _NAME.fullmatch(name):
        raise UnknownModel(f"{name!r} is no name of a model: it is OWNER/MODEL.", provider=options.provider, model=name)
    hub, revision = site(options), options.revision or "main"
    if hub.token is not None and not hub.token.loaded:
        await runtime.in_thread(hub.token.load)
    answer = await ask(hub, hub.model(name, revision, [("blobs", "true")]), runtime, model=name)
    commit, listed = _listed(table(answer.body.decode("utf-8", "replace")))
    snapshot = Snapshot(repository_folder(name, options), commit)
    files = [listed[file] for file in needed(listed, options)]
    await _Fetching(name, hub, snapshot, progress).run(files, runtime)
    await runtime.in_thread(snapshot.name, revision)
    return await runtime.in_thread(local_card, name, options)


def _listed(told: Mapping[str, Any]) -> tuple[str, dict[str, _File]]:
    """The commit, and its files by their names. Raises ``AnswerError`` for what cannot be."""
    found: dict[str, _File] = {}
    for file in told.get("siblings") or ():
        large = file.get("lfs") or {}
        name, etag = file.get("rfilename"), large.get("sha256") or file.get("blobId")
        size = large.get("size") or file.get("size") or 0
        if not (isinstance(name, str) and isinstance(etag, str) and isinstance(size, int)):
            raise AnswerError(f"The hub does not say what the file {name!r} is.")
        if not _PATH.fullmatch(name) or not _HASH.fullmatch(etag):
            raise AnswerError(f"The hub names a file {name!r} ({etag!r:.80}), which is put nowhere.")
        found[name] = _File(name, size, etag)
    commit = told.get("sha")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise AnswerError(f"The hub does not say which commit this is: {commit!r:.80}.")
    return commit, found


@dataclass(frozen=True)
class _Fetching:
    """One pull: the files that are missing, one after another."""

    name: str
    hub: Site
    snapshot: Snapshot
    progress: Progress

    async def run(self, files: list[_File], runtime: Runtime) -> None:
        """Fetch what is missing of these."""
        total = sum(file.size for file in files)
        missing = [file for file in files if not self.snapshot.has(file.name) and not self.snapshot.link(file.name, file.etag)]
        done = total - sum(file.size for file in missing)
        await runtime.in_thread(self._require_room, total - done)
        self.progress(done, total, self.name)
        for file in missing:
            await self._fetch(file, partial(self._tell, done, total), runtime)
            done += file.size
            self.progress(done, total, self.name)

    async def _fetch(self, file: _File, told: Callable[[int, int, str], None], runtime: Runtime) -> None:
        download = Download(
            address=self.hub.file(self.name, self.snapshot.commit, file.name),
            token=None if self.hub.token is None else Bearer(self.hub.token),
            sha256=file.sha256,
            timeouts=_PATIENCE,
            progress=told,
            route=self.hub.route,
        )
        try:
            path = await download.into(self.snapshot.parts(file.etag), "file", runtime)
        except ProviderError as error:
            raise self._refused(error) from None
        await runtime.in_thread(self.snapshot.put, file.name, path, file.etag)

    def _tell(self, before: int, total: int, done: int, _: int, __: str) -> None:
        self.progress(min(before + done, total), total, self.name)

    def _refused(self, error: ProviderError) -> ModelhubError:
        """The hub's word for what is wrong says it better than the address of a file does."""
        if not error.code:
            return error
        return hub_fault(HttpResponse(error.status or 403, Headers({"x-error-code": error.code})), self.name, self.hub)

    def _require_room(self, size: int) -> None:
        os.makedirs(self.snapshot.folder, exist_ok=True)
        free = shutil.disk_usage(self.snapshot.folder).free
        if size and size + _SPARE > free:
            raise SetupError(f"{self.name} takes {size:,} bytes more, and {self.snapshot.repository} has room for {free:,}.")
