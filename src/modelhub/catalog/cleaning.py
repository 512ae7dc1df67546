"""What the cache of model files takes, and what in it nobody needs: parts of files, and what a broken process has left."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass

from modelhub.catalog import manifest
from modelhub.catalog.part import in_use
from modelhub.catalog.store import Store, StoredModel

__all__ = ["CacheUse", "Leftover", "clean", "use"]

FRESH_SECONDS = 3600
"""What another process is adding now has changed within them."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that no model needs: ``part`` of a file that can be gone on with, or an ``orphan``."""

    path: str
    bytes: int
    what: str
    held: bool
    """Whether another process may be at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What the cache holds."""

    folder: str
    models: tuple[StoredModel, ...]
    leftovers: tuple[Leftover, ...]
    bytes: int


def use(store: Store) -> CacheUse:
    """What there is, and what it takes in bytes. A hard link is counted, though its bytes may lie elsewhere as well."""
    models, leftovers = store.models(), _leftovers(store)
    total = sum(model.bytes for model in models) + sum(leftover.bytes for leftover in leftovers)
    return CacheUse(folder=store.folder, models=models, leftovers=leftovers, bytes=total)


def clean(store: Store, *, everything: bool = False) -> CacheUse:
    """Take away parts and orphans, but for those that another process may be at; ``everything``: all of it, models too.

    Gives what was taken away.
    """
    found = use(store)
    models = found.models if everything else ()
    leftovers = tuple(leftover for leftover in found.leftovers if everything or not leftover.held)
    for model in models:
        store.remove(model.name)
    for leftover in leftovers:
        _take_away(leftover.path)
    total = sum(model.bytes for model in models) + sum(leftover.bytes for leftover in leftovers)
    return CacheUse(folder=store.folder, models=models, leftovers=leftovers, bytes=total)


def _leftovers(store: Store) -> tuple[Leftover, ...]:
    parts = [_leftover(path, "part") for path in _within(store.parts_folder)]
    orphans = [_leftover(path, "orphan") for home in store.homes() for path in _orphans(home)]
    return tuple(sorted((*parts, *orphans), key=lambda leftover: leftover.path))


def _orphans(home: str) -> list[str]:
    """What lies in a model's folder and is not the model's; the whole folder where there is no model."""
    model = manifest.read(home)
    if model is None:
        return [home]
    needed = (os.path.basename(model.folder), manifest.MANIFEST)
    return [path for path in _within(home) if os.path.basename(path) not in needed]


def _within(folder: str) -> list[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as items:
        return [item.path for item in items]
    return []


def _leftover(path: str, what: str) -> Leftover:
    size, newest = 0, 0.0
    for file in _all_within(path):
        with suppress(OSError):
            status = os.stat(file)
            size += status.st_size if not os.path.isdir(file) else 0
            newest = max(newest, status.st_mtime)
    held = in_use(path) if what == "part" else time.time() - newest < FRESH_SECONDS
    return Leftover(path, size, what, held=held)


def _all_within(path: str) -> list[str]:
    return [path, *(os.path.join(place, name) for place, _, files in os.walk(path) for name in files)]


def _take_away(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        os.unlink(path)
