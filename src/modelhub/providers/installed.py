"""Which plugins are installed, read from the files that say so: no plugin is imported, nor the slow ``importlib.metadata``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from modelhub.errors import InvalidRequest

__all__ = ["GROUP", "Installed", "installed", "requirements", "restore_command"]

GROUP = "modelhub"


@dataclass(frozen=True, slots=True)
class Installed:
    """One entry point of the group ``modelhub``: ``name`` is the word before a model id's colon."""

    name: str
    module: str
    """What is imported for it: ``package.module``, or ``package.module:attribute``."""
    distribution: str
    version: str
    location: str
    """The folder it is installed in."""

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


class _Distribution(NamedTuple):
    name: str
    version: str
    entry_points: str
    location: str


def installed() -> tuple[Installed, ...]:
    """Every plugin that can be imported here, by name. Two of one name are both there: asking for that name is an error."""
    found: dict[str, _Distribution] = {}
    for entry in dict.fromkeys(os.path.realpath(entry or os.curdir) for entry in sys.path):
        for distribution in _distributions(entry):
            found.setdefault(distribution.name, distribution)
    points = (point for distribution in found.values() for point in _points(distribution))
    return tuple(sorted(points, key=lambda point: (point.name, point.distribution)))


def requirements(plugins: Iterable[Installed] | None = None) -> tuple[str, ...]:
    """A line ``distribution==version`` for each distribution with plugins: what ``modelhub plugins export`` writes."""
    chosen = installed() if plugins is None else plugins
    return tuple(sorted({f"{plugin.distribution}=={plugin.version}" for plugin in chosen}))


def restore_command(lines: Sequence[str]) -> list[str]:
    """The command that installs what ``requirements`` wrote, into this environment. Blank lines and comments are skipped.

    Raises ``InvalidRequest`` where a line is one of pip's options, or where no line names a distribution.
    """
    wanted = [text for line in lines if (text := re.sub(r"(^|\s)#.*", "", line).strip())]
    for text in wanted:
        if text.startswith("-"):
            raise InvalidRequest(
                f"{text!r} is an option of pip's, not a plugin: give pip the file itself, pip install -r FILE."
            )
    if not wanted:
        raise InvalidRequest("There is no plugin in it: write a line like 'modelhub-starter==1.0', as plugins export does.")
    return [sys.executable, "-m", "pip", "install", *wanted]


_CACHE: dict[str, tuple[int, tuple[_Distribution, ...]]] = {}


def _distributions(entry: str) -> tuple[_Distribution, ...]:
    """The distributions in one entry of ``sys.path``; read again only when the folder has changed."""
    try:
        changed = os.stat(entry).st_mtime_ns
    except OSError:
        return ()
    if (known := _CACHE.get(entry)) is None or known[0] != changed:
        scan = _in_folder if os.path.isdir(entry) else _in_archive
        known = _CACHE[entry] = (changed, tuple(scan(entry)))
    return known[1]


def _in_folder(folder: str) -> Iterator[_Distribution]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        stem, dot, kind = name.rpartition(".")
        if dot and kind in ("dist-info", "egg-info") and not name.startswith("~"):
            yield _read(folder, name, stem)


def _read(folder: str, name: str, stem: str) -> _Distribution:
    text = _text(os.path.join(folder, name, "entry_points.txt"))
    project, _, version = stem.partition("-")
    if f"[{GROUP}]" in text and not version:
        version = _version(_text(os.path.join(folder, name, "PKG-INFO")))
    return _Distribution(_normalised(project), version.partition("-py")[0], text, folder)


def _in_archive(path: str) -> Iterator[_Distribution]:
    """What a zip on ``sys.path`` holds; rare enough to be left to the slow way."""
    from importlib import metadata

    for found in metadata.distributions(path=[path]):
        text = found.read_text("entry_points.txt") or ""
        yield _Distribution(_normalised(found.metadata["Name"]), found.version, text, path)


def _points(distribution: _Distribution) -> Iterator[Installed]:
    section = ""
    for line in distribution.entry_points.split("\n"):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1].strip()
        elif section == GROUP and "=" in text and not text.startswith(("#", ";")):
            name, _, value = text.partition("=")
            module = value.partition("[")[0].replace(" ", "")
            yield Installed(name.strip(), module, distribution.name, distribution.version, distribution.location)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _version(package_info: str) -> str:
    found = re.search(r"^Version: *(\S+)", package_info, re.MULTILINE)
    return found[1] if found else "unknown"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
