"""Which files an index is made of: the configuration's files, folders and patterns, found in one order."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator

from modelhub.errors import ConfigError

__all__ = ["find", "loader_name", "relative_name"]

_DEEP = re.compile(r"(|.*?[{0}])\*\*(?:[{0}]+(.*))?".format(re.escape(os.sep + (os.altsep or ""))), re.DOTALL)
"""A pattern that has ``**`` between two separators: what stands before it and after it."""


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
    kept. Links are followed, but each file is found once, by its own name where that is among the sources. Raises
    ``ConfigError`` where a source matches nothing.
    """
    kept_out = os.path.realpath(os.path.join(folder, leave_out)) if leave_out else None
    found: dict[str, str] = {}
    for source in sources:
        files = {name: os.path.realpath(os.path.join(folder, name)) for name in _matching(source, folder)}
        files = {name: real for name, real in files.items() if not _is_inside(real, kept_out)}
        if not files:
            raise ConfigError(f"The source {source!r} matches no file in {folder}. Sources are relative to the configuration.")
        for name, real in files.items():
            names = {relative_name(name, folder), found.get(real, "")} - {""}
            found[real] = min(names, key=lambda name: (not _is_own(name, real, folder), name))
    return tuple(sorted(found.values()))


def _matching(source: str, folder: str) -> Iterator[str]:
    import glob

    path = os.path.join(folder, source)
    if os.path.isfile(path):
        yield source
        return
    pattern = os.path.join(glob.escape(source), "**") if os.path.isdir(path) else source
    for name in _expanded(pattern, folder):
        if os.path.isfile(os.path.join(folder, name)):
            yield name


def _expanded(pattern: str, folder: str) -> Iterator[str]:
    """What a pattern matches. Its ``**`` goes into every folder once, where ``glob`` would walk in circles through links."""
    import glob

    deep = _DEEP.fullmatch(pattern)
    if not deep:
        yield from glob.iglob(pattern, root_dir=folder)
        return
    head, rest = deep.groups()
    for top in glob.iglob(head, root_dir=folder) if head else ("",):
        for below in _folders(os.path.join(folder, top)):
            start = os.path.join(top, below)
            yield from (os.path.join(start, name) for name in _expanded(rest or "*", os.path.join(folder, start)))


def _folders(top: str) -> Iterator[str]:
    """The folders in and below ``top`` that are not hidden, relative to it; what is reached only through links comes last."""
    seen: set[str] = set()
    waiting, links = [""], deque[str]()
    while waiting or links:
        below = waiting.pop() if waiting else links.popleft()
        path = os.path.join(top, below)
        if (real := os.path.realpath(path)) in seen:
            continue
        seen.add(real)
        yield below
        for name in _visible_folders(path):
            (links if os.path.islink(os.path.join(path, name)) else waiting).append(os.path.join(below, name))


def _visible_folders(path: str) -> list[str]:
    try:
        names = sorted(os.listdir(path))
    except OSError:  # not ours to read, as for any pattern
        return []
    return [name for name in names if not name.startswith(".") and os.path.isdir(os.path.join(path, name))]


def _is_inside(real: str, folder: str | None) -> bool:
    return folder is not None and (real + os.sep).startswith(folder + os.sep)


def _is_own(name: str, real: str, folder: str) -> bool:
    """Whether no link is on the way to the file from ``folder``."""
    return os.path.normpath(os.path.join(os.path.realpath(folder), name)) == real


def relative_name(name: str, folder: str) -> str:
    """The name that ``find`` gives to the file which a source calls ``name``."""
    relative = os.path.normpath(name)
    if os.path.isabs(relative):
        relative = _relative(relative, folder)
    return re.sub(r"\\", "/", relative) if os.sep == "\\" else relative


def _relative(path: str, folder: str) -> str:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # another drive
        return path
