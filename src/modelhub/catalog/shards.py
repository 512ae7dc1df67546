"""Models in several files: ``name-00001-of-00003.ending`` and its neighbours."""

from __future__ import annotations

import os
import re

__all__ = ["shard_number", "shards", "stem"]

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")
_MOST = 9999


def stem(file: str) -> str:
    """The name of the model in a file: without folder, ending, and the number of a shard."""
    return _SHARD.sub("", os.path.splitext(os.path.basename(file))[0])


def shard_number(file: str) -> int | None:
    """Which part of a model the file is, counted from 1; ``None`` where it is the whole model."""
    found = _SHARD.search(os.path.splitext(file)[0])
    return int(found[1]) if found else None


def shards(file: str) -> tuple[str, ...]:
    """All files (or addresses) of the model that this one is a part of, in order; a model in one file is that file alone."""
    start, end = os.path.splitext(file)
    found = _SHARD.search(start)
    if found is None:
        return (file,)
    before, count = start[: found.start()], min(int(found[2]), _MOST)
    return tuple(f"{before}-{number:05d}-of-{found[2]}{end}" for number in range(1, count + 1)) or (file,)
