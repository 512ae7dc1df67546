"""Model files kept on this machine by name: a folder for each model, with a manifest that says what its files are.

    FOLDER/models/NAME/manifest.json        replaced as one, last: whoever reads finds the model before a change or after it
    FOLDER/models/NAME/KEY/model.ending     the files, under their own names, in a folder that the manifest names

Any number of processes may add, replace, remove and read at once. Nothing in it is ever executed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest

from modelhub.catalog import manifest
from modelhub.catalog.manifest import StoredFile, StoredModel
from modelhub.catalog.placing import Placing, Progress, place
from modelhub.errors import InvalidRequest, UnknownModel, did_you_mean

__all__ = ["Store", "StoredFile", "StoredModel", "cache_folder", "stored"]

_NAME = re.compile(r"\w[\w.+-]*(?:[:/]\w[\w.+-]*)*")


def cache_folder() -> str:
    """``MODELHUB_CACHE``, else ``modelhub`` in the folder that this platform has for what can be fetched again."""
    if named := os.environ.get("MODELHUB_CACHE"):
        return os.path.abspath(os.path.expanduser(named))
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local"), "modelhub", "Cache")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "modelhub")
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "modelhub")


def stored() -> tuple[StoredModel, ...]:
    """The caller's own models, by name."""
    return Store(cache_folder()).models()


@dataclass(frozen=True, slots=True)
class Store:
    """The models under ``folder``, which need not exist yet. ``Store(cache_folder())`` is the caller's own."""

    folder: str

    @property
    def models_folder(self) -> str:
        """A folder for each model."""
        return os.path.join(self.folder, "models")

    @property
    def parts_folder(self) -> str:
        """Where files lie while they are fetched."""
        return os.path.join(self.folder, "parts")

    def models(self) -> tuple[StoredModel, ...]:
        """Every model that is whole, by name."""
        found = (manifest.read(folder) for folder in self.homes())
        return tuple(sorted((model for model in found if model is not None), key=lambda model: model.name.casefold()))

    def find(self, name: str) -> StoredModel | None:
        """The model of that name, in any case; ``None`` where there is none."""
        return manifest.read(self.home(name)) if _NAME.fullmatch(name) else None

    def add(
        self,
        files: Sequence[str],
        *,
        name: str,
        licence: str | None = None,
        source: str | None = None,
        replace: bool = False,
        placing: Placing = "link",
        checksums: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> tuple[StoredModel, Placing]:
        """Keep the files of a model under a name, and say how they were placed.

        ``link`` makes hard links, which take no room, and copies where the file system makes none; ``move`` takes the files
        away from where they are. ``checksums`` are the files' SHA-256 where they are known; else they are taken where a file
        is copied, and a file that is linked is not read. Raises ``InvalidRequest`` for a name that is none, or that is taken
        (unless ``replace``), ``SetupError`` where there is not enough room.
        """
        home = self.home(self.checked(name, replace=replace))
        folder = _made(home)
        try:
            known = list(zip_longest(files, checksums[: len(files)]))
            done = [place(file, folder, placing, progress, sha256) for file, sha256 in known]
            kept = tuple(StoredFile(os.path.basename(one.path), one.bytes, one.sha256) for one in done)
            model = StoredModel(name=name, files=kept, licence=licence, source=source, added=_now(), folder=folder)
            before = manifest.read(home)
            manifest.write(home, model, replace=replace)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                os.rmdir(home)
            raise
        if before is not None:
            shutil.rmtree(before.folder, ignore_errors=True)
        return model, done[0].placing

    def remove(self, name: str) -> StoredModel:
        """Take a model and its files away. Raises ``UnknownModel``."""
        found = self.find(name)
        if found is None:
            near = did_you_mean(name, [model.name for model in self.models()])
            raise UnknownModel(f"There is no model {name!r} in {self.folder}.{near} See: modelhub models cache", model=name)
        home = self.home(name)
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(home, manifest.MANIFEST))
        shutil.rmtree(found.folder, ignore_errors=True)
        with suppress(OSError):  # another process may be adding one of that name
            os.rmdir(home)
        return found

    def checked(self, name: str, *, replace: bool) -> str:
        """The name, if a model may be kept under it. Raises ``InvalidRequest``."""
        if not _NAME.fullmatch(name) or len(name) > 200:
            allowed = "letters, digits, '.', '_', '-', '+', and ':' or '/' between them"
            raise InvalidRequest(f"{name!r} cannot be a model's name: it is made of {allowed}.")
        if not replace and self.find(name) is not None:
            raise manifest.taken(name)
        return name

    def home(self, name: str) -> str:
        """The folder of a name: names that differ only in case share it, on every file system."""
        from hashlib import sha256
        from urllib.parse import quote

        quoted = quote(name.casefold(), safe="+")
        digest = sha256(name.casefold().encode()).hexdigest()[:16]
        return os.path.join(self.models_folder, quoted if len(quoted) <= 120 else f"{quoted[:100]}~{digest}")

    def homes(self) -> Iterator[str]:
        """Every folder of a model, whole or not."""
        with suppress(FileNotFoundError), os.scandir(self.models_folder) as items:
            yield from (item.path for item in items if item.is_dir())


def _made(home: str) -> str:
    """A new folder for files. Another process may take ``home`` away, empty as it is, while it is made."""
    folder = os.path.join(home, os.urandom(6).hex())
    for _ in range(20):
        with suppress(FileNotFoundError):
            os.makedirs(folder)
            return folder
    os.makedirs(folder)
    return folder


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")
