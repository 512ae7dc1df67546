"""What a file's name says: ``[mmproj-|mtp-]Base-Size-FineTune-Version-Encoding[-00001-of-00003].gguf``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

__all__ = ["gguf_files", "is_model", "shards", "stem"]

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")
_SIDE = re.compile(r"(?:^|[-_.])mmproj(?:[-_.]|$)|^mtp-", re.IGNORECASE)
_DEEPEST = 4
"""Folders below the one that is searched."""


def stem(file: str) -> str:
    """The name of the model in a file: without folder, ``.gguf`` and the number of a shard."""
    name = os.path.basename(file)
    return _SHARD.sub("", name[:-5] if name.lower().endswith(".gguf") else name)


def is_model(file: str) -> bool:
    """Whether the file stands for a model of its own: no shard behind the first, no projector, no draft head."""
    name = os.path.splitext(os.path.basename(file))[0]
    shard = _SHARD.search(name)
    return not _SIDE.search(name) and (shard is None or int(shard[1]) == 1)


def shards(file: str) -> tuple[str, ...]:
    """All files of the model that this file is a part of, in order; a model in one file is that file alone."""
    start, end = os.path.splitext(file)
    found = _SHARD.search(start)
    if found is None:
        return (file,)
    return tuple(
        f"{start[: found.start()]}-{number:05d}-of-{found[2]}{end}" for number in range(1, min(int(found[2]), 9999) + 1)
    )


def gguf_files(folder: str) -> Iterator[str]:
    """The files below a folder that stand for models, by name; nothing where there is no such folder."""
    depth = folder.rstrip(os.sep).count(os.sep)
    for place, folders, files in os.walk(folder):
        folders[:] = [] if place.count(os.sep) - depth >= _DEEPEST else sorted(n for n in folders if not n.startswith("."))
        yield from (os.path.join(place, name) for name in sorted(files) if name.lower().endswith(".gguf") and is_model(name))
