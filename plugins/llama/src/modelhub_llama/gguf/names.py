"""What a file's name says: ``[mmproj-|mtp-]Base-Size-FineTune-Version-Encoding[-00001-of-00003].gguf``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from modelhub.plugin import shard_number

__all__ = ["ENDING", "gguf_files", "is_model"]

ENDING = ".gguf"
_SIDE = re.compile(r"(?:^|[-_.])mmproj(?:[-_.]|$)|^mtp-", re.IGNORECASE)
_DEEPEST = 4
"""Folders below the one that is searched."""


def is_model(file: str) -> bool:
    """Whether the file stands for a model of its own: no shard behind the first, no projector, no draft head."""
    name = os.path.splitext(os.path.basename(file))[0]
    return not _SIDE.search(name) and shard_number(file) in (None, 1)


def gguf_files(folder: str) -> Iterator[str]:
    """The files below a folder that stand for models, by name; nothing where there is no such folder."""
    depth = folder.rstrip(os.sep).count(os.sep)
    for place, folders, files in os.walk(folder):
        folders[:] = [] if place.count(os.sep) - depth >= _DEEPEST else sorted(n for n in folders if not n.startswith("."))
        yield from (os.path.join(place, name) for name in sorted(files) if name.lower().endswith(ENDING) and is_model(name))
