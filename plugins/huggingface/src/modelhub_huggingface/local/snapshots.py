"""The hub's cache, as its own client lays it out: the bytes of a file once, and each state of a repository as links to them.

models--OWNER--MODEL/blobs/ETAG                    models--OWNER--MODEL/snapshots/COMMIT/config.json -> ../../blobs/ETAG
models--OWNER--MODEL/refs/main                     the commit that a branch stood for when it was fetched
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress

from modelhub.plugin import AnswerError

__all__ = ["Snapshot"]

_PIECE = 1 << 22


class Snapshot:
    """One state of one repository in the cache. ``repository`` is its folder there."""

    def __init__(self, repository: str, commit: str) -> None:
        self.repository = repository
        self.commit = commit
        self.folder = os.path.join(repository, "snapshots", commit)

    def has(self, file: str) -> bool:
        """Whether a file is there."""
        return os.path.isfile(self._path(file))

    def parts(self, etag: str) -> str:
        """Where a file lies that is on its way."""
        return os.path.join(self.repository, "parts", etag)

    def put(self, file: str, fetched: str, etag: str) -> None:
        """Take in a file that has come. A small one is held against its hash in git. Raises ``AnswerError``."""
        if len(etag) == 40 and _hash_in_git(fetched) != etag:
            shutil.rmtree(self.parts(etag), ignore_errors=True)
            raise AnswerError(f"{file} came damaged: it is not what the hub says it is. Nothing of it was kept.")
        blob = os.path.join(self.repository, "blobs", etag)
        os.makedirs(os.path.dirname(blob), exist_ok=True)
        os.replace(fetched, blob)
        shutil.rmtree(self.parts(etag), ignore_errors=True)
        self.link(file, etag)

    def link(self, file: str, etag: str) -> bool:
        """Let a file of this state be the one with that hash; ``False`` where there is none."""
        blob, path = os.path.join(self.repository, "blobs", etag), self._path(file)
        if not os.path.isfile(blob):
            return False
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(path)
        try:
            os.symlink(os.path.relpath(blob, os.path.dirname(path)), path)
        except OSError:  # where links are not to be had, the file itself lies there
            os.replace(blob, path)
        return True

    def name(self, revision: str) -> None:
        """From now on a branch or a tag stands for this state."""
        with suppress(OSError):
            os.rmdir(os.path.join(self.repository, "parts"))
        if revision == self.commit:
            return
        path = os.path.join(self.repository, "refs", *revision.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.writing", "w", encoding="ascii") as writing:
            writing.write(self.commit)
        os.replace(f"{path}.writing", path)

    def _path(self, file: str) -> str:
        return os.path.join(self.folder, *file.split("/"))


def _hash_in_git(path: str) -> str:
    """What git calls the content of a file."""
    digest = hashlib.sha1(b"blob %d\0" % os.path.getsize(path), usedforsecurity=False)
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
