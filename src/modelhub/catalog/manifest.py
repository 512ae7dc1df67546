"""What a stored model is: its manifest, read as if anybody had written it, and replaced as one."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from modelhub.errors import InvalidRequest

__all__ = ["MANIFEST", "StoredFile", "StoredModel", "read", "taken", "write"]

MANIFEST = "manifest.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a model: its name, its size in bytes, and the checksum of its content, where all of it has been read."""

    name: str
    bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model that lies here. ``source`` is the address or path it came from, ``added`` when, in UTC."""

    name: str
    files: tuple[StoredFile, ...]
    licence: str | None = None
    source: str | None = None
    added: str = ""
    folder: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files' whole paths, in order."""
        return tuple(os.path.join(self.folder, file.name) for file in self.files)

    @property
    def bytes(self) -> int:
        """What its files take."""
        return sum(file.bytes for file in self.files)


def read(home: str) -> StoredModel | None:
    """The model in a folder; ``None`` where there is no manifest, or one that is not ours, or a file of it is missing."""
    before: StoredModel | None = None
    while True:
        model = _read(home)
        if model is None or (model.files and all(map(os.path.isfile, model.paths))):
            return model
        if model == before:
            return None
        before = model  # another process may have replaced it since, and taken its files away: then there is another manifest


def _read(home: str) -> StoredModel | None:
    try:
        with open(os.path.join(home, MANIFEST), encoding="utf-8") as file:
            return _model(json.load(file), home)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write(home: str, model: StoredModel, *, replace: bool) -> None:
    """Put the manifest in its place as one; without ``replace``, only where there is none. Else raises ``InvalidRequest``."""
    data = {"schema": _SCHEMA, **asdict(model), "folder": os.path.basename(model.folder)}
    temporary = os.path.join(home, f".writing-{os.path.basename(model.folder)}")
    target = os.path.join(home, MANIFEST)
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if replace or (os.path.exists(target) and read(home) is None):
            os.replace(temporary, target)
        else:
            _put(temporary, target, model.name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _put(temporary: str, target: str, name: str) -> None:
    """Name the file so, unless another process has been faster."""
    try:
        (os.rename if sys.platform == "win32" else os.link)(temporary, target)
    except FileExistsError:
        raise taken(name) from None
    except OSError:  # a file system without links
        os.replace(temporary, target)


def taken(name: str) -> InvalidRequest:
    """The error for a name that is used already."""
    return InvalidRequest(f"There is a model {name!r} already. Take another --name, or put this one in its place: --replace")


def _model(data: dict[str, Any], home: str) -> StoredModel:
    files = tuple(StoredFile(_plain(item["name"]), int(item["bytes"]), item.get("sha256") or None) for item in data["files"])
    told = {key: data[key] for key in ("licence", "source") if isinstance(data.get(key), str)}
    folder = os.path.join(home, _plain(data["folder"]))
    return StoredModel(name=str(data["name"]), files=files, added=str(data.get("added", "")), folder=folder, **told)


def _plain(name: str) -> str:
    """A file's name that leads nowhere else."""
    if not name or name in (".", "..") or any(mark in name for mark in ("/", "\\", "\0")):
        raise ValueError(name)
    return name
