"""Files that a loaded model is read from where they lie: one that is written over under it would be the process's end."""

from __future__ import annotations

import os
from collections.abc import Iterable

from modelhub.plugin import SetupError

__all__ = ["Seen", "check", "seen"]

Seen = tuple[tuple[str, os.stat_result], ...]


def seen(paths: Iterable[str]) -> Seen:
    """The files as they are now."""
    return tuple((path, os.stat(path)) for path in paths)


def check(files: Seen) -> None:
    """Raises ``SetupError`` where a file has changed in its place. One that another was moved over is still there for us."""
    for path, before in files:
        try:
            now = os.stat(path)
        except OSError:
            continue
        same = os.path.samestat(before, now)
        if same and (before.st_size, before.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
            raise SetupError(
                f"{path} was written over while its model was loaded: ask a new Hub, which loads it as it is now. To change a "
                "model that is in use, write another file and move it over this one."
            )
