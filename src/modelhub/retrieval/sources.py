"""Which files an index is made of: the configuration's files, folders and patterns, found in one order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from modelhub.errors import ConfigError

__all__ = ["find", "loader_name"]

_LOADERS = {
    "md": "markdown", "markdown": "markdown", "mdown": "markdown", "mkd": "markdown",
    "txt": "text", "text": "text", "log": "text", "rst": "text", "": "text",
    "htm": "html", "html": "html", "xhtml": "html",
}  # fmt: skip


def loader_name(name: str) -> str:
    """The loader that reads a file: a built-in one for the suffixes it knows, else the plugin that is named like the suffix."""
    suffix = os.path.splitext(name)[1].removeprefix(".").lower()
    return _LOADERS.get(suffix, suffix)


def find(sources: Iterable[str], folder: str, *, leave_out: str | None = None) -> tuple[str, ...]:
    """The names of all files, relative to ``folder``, with forward slashes, sorted.

    A source is a file, a folder (all files in it and below), or a pattern (``docs/**/*.md``). Files and folders whose name
    begins with a dot are left out unless the source names them, and so is ``leave_out``, the folder where the index itself is
    kept. Raises ``ConfigError`` where a source matches nothing.
    """
    kept_out = os.path.realpath(os.path.join(folder, leave_out)) if leave_out else None
    found: set[str] = set()
    for source in sources:
        names = [name for name in _matching(source, folder) if not _is_inside(os.path.join(folder, name), kept_out)]
        if not names:
            raise ConfigError(f"The source {source!r} matches no file in {folder}. Sources are relative to the configuration.")
        found.update(_named(name, folder) for name in names)
    return tuple(sorted(found))


def _matching(source: str, folder: str) -> Iterator[str]:
    import glob

    path = os.path.join(folder, source)
    if os.path.isfile(path):
        yield source
        return
    pattern = os.path.join(glob.escape(source), "**") if os.path.isdir(path) else source
    for name in glob.iglob(pattern, root_dir=folder, recursive=True):
        if os.path.isfile(os.path.join(folder, name)):
            yield name


def _is_inside(path: str, folder: str | None) -> bool:
    return folder is not None and (os.path.realpath(path) + os.sep).startswith(folder + os.sep)


def _named(name: str, folder: str) -> str:
    relative = os.path.normpath(name)
    if os.path.isabs(relative):
        relative = _relative(relative, folder)
    return re.sub(r"\\", "/", relative) if os.sep == "\\" else relative


def _relative(path: str, folder: str) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return path
