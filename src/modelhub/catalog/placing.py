"""A file put into the store: linked, copied or moved; and checksums."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from modelhub.errors import SetupError

__all__ = ["Placed", "Placing", "Progress", "amount", "checksum", "place", "require_room", "shared"]

Placing = Literal["link", "copy", "move"]
Progress = Callable[[int, int, str], None]
"""Told how many of how many bytes are through, in the step that a word names."""
_PIECE = 1 << 22
SPARE = 64 << 20
"""Bytes that are left free on a disk."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A file where it now lies, and how it came there."""

    path: str
    bytes: int
    sha256: str | None
    placing: Placing


def place(file: str, folder: str, placing: Placing, progress: Progress | None = None, sha256: str | None = None) -> Placed:
    """Put a file into a folder under its own name. ``sha256`` is its checksum where that is known already.

    A link that the file system does not make becomes a copy, whose checksum is taken on the way; a linked file is not read.
    Raises ``SetupError`` where there is no room for it.
    """
    source = os.path.realpath(file)
    target = os.path.join(folder, os.path.basename(file))
    done = _placed(source, target, placing)
    if done == "copy":
        sha256 = _copied(source, target, progress)
    return Placed(target, os.path.getsize(target), sha256 or None, done)


def _placed(source: str, target: str, placing: Placing) -> Placing:
    """How it was done; a copy has still to be made."""
    try:
        if placing == "link":
            os.link(source, target)
        elif placing == "move":
            os.replace(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or a file system without links
        return "copy"
    return placing


def _copied(source: str, target: str, progress: Progress | None) -> str:
    """Copy a file, and give its checksum."""
    from hashlib import sha256

    total, done, digest = os.path.getsize(source), 0, sha256()
    require_room(os.path.dirname(target), total)
    with open(source, "rb") as reader, open(target, "xb") as writer:
        while piece := reader.read(_PIECE):
            writer.write(piece)
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total, f"copy {os.path.basename(source)}")
    with suppress(OSError):
        shutil.copystat(source, target)
    return digest.hexdigest()


def shared(file: str) -> bool:
    """Whether the file has another name as well, so that its room does not come free with this one."""
    try:
        return os.stat(file).st_nlink > 1
    except OSError:
        return False


def checksum(file: str, progress: Progress | None = None) -> str:
    """The SHA-256 of a file's content."""
    from hashlib import sha256

    total, done, digest = os.path.getsize(file), 0, sha256()
    with open(file, "rb") as reader:
        while piece := reader.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total, f"check {os.path.basename(file)}")
    return digest.hexdigest()


def require_room(folder: str, wanted: int) -> None:
    """Raise ``SetupError`` where the disk of a folder has not that many bytes to spare."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE:
        where = f"{folder} has {amount(free)} free and needs {amount(wanted + SPARE)}"
        raise SetupError(f"{where}. See 'modelhub models cache', or set MODELHUB_CACHE to a folder on another disk.")


def amount(count: int) -> str:
    """Bytes for a person: ``4.2 GiB``."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
