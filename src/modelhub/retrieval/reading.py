"""From files to passages: what is new is read and cut, what is unchanged is taken over."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.errors import InvalidRequest, PluginMissing
from modelhub.interfaces.passages import Passage
from modelhub.retrieval.chunking import chunks
from modelhub.retrieval.documents import Document, version
from modelhub.retrieval.report import Skipped
from modelhub.retrieval.sources import loader_name, relative_name

if TYPE_CHECKING:
    from modelhub.retrieval.loaders import Loader

__all__ = ["Entry", "passages", "read"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in the index: the hash of its file's bytes, and its passages in their order."""

    source: str
    passages: tuple[Passage, ...]


def read(
    names: tuple[str, ...],
    folder: str,
    known: Mapping[str, Entry],
    cut: Callable[[Document], tuple[Passage, ...]],
    progress: Callable[[int, int, str], None],
    *,
    named: frozenset[str] = frozenset(),
) -> tuple[dict[str, Entry], list[Skipped]]:
    """The entries of all files, and what was skipped and why. ``named`` are the sources: the files among them must be readable.

    Raises ``InvalidRequest`` where a named file cannot be read, and ``PluginMissing`` where it has no loader.
    """
    required = {relative_name(source, folder) for source in named}
    entries: dict[str, Entry] = {}
    skipped: list[Skipped] = []
    for done, name in enumerate(names):
        progress(done, len(names), "reading")
        try:
            entry = _entry(name, folder, known.get(name), cut)
        except (InvalidRequest, PluginMissing) as error:
            if name in required:
                raise
            skipped.append(Skipped(name, error.message))
            continue
        if entry is None:
            skipped.append(Skipped(name, "the file has no text"))
        else:
            entries[name] = entry
    progress(len(names), len(names), "reading")
    return entries, skipped


def _entry(name: str, folder: str, known: Entry | None, cut: Callable[[Document], tuple[Passage, ...]]) -> Entry | None:
    data = _bytes(name, folder)
    source = version(data)
    if known is not None and known.source == source:
        return known
    if not data.strip(b" \t\r\n\xef\xbb\xbf"):
        return None
    found = cut(_document(data, name))
    return Entry(source, found) if found else None


def _bytes(name: str, folder: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidRequest(f"Cannot read {name}: {error.strerror}.") from error


def _document(data: bytes, name: str) -> Document:
    document = _loader(name).load(data, name)
    assert isinstance(document, Document)
    if "\0" in document.text:
        raise InvalidRequest(f"{name}: not a text (it has NUL characters). Save it as UTF-8, or leave it out.")
    return document


def _loader(name: str) -> Loader:
    from modelhub.providers import contribution

    try:
        loader: Loader = contribution("modelhub_loader", loader_name(name))
    except PluginMissing:
        suffix = os.path.splitext(name)[1]
        advice = "Leave the file out, or install a plugin that reads this format."
        raise PluginMissing(f"{name}: there is no loader for {suffix} files here. {advice}") from None
    return loader


def passages(document: Document, *, tokens: int, overlap: int, count: Callable[[str], int]) -> tuple[Passage, ...]:
    """The document's passages: no white space around them, and with their titles no more than ``tokens``."""
    found: list[Passage] = []
    for start, end, titles in document.sections():
        room = max(tokens - count(titles + "\n"), tokens // 2, 1) if titles else tokens
        repeated = min(overlap, room - 1)
        pieces = chunks(document.text, tokens=room, overlap=repeated, count=count, start=start, end=end)
        fresh = (piece for piece in pieces if document.text[piece.fresh : piece.end].strip())
        found.extend(_passage(document, piece.start, piece.end, titles) for piece in fresh)
    return tuple(found)


def _passage(document: Document, start: int, end: int, titles: str) -> Passage:
    content = document.text[start:end]
    start += len(content) - len(content.lstrip())
    end -= len(content) - len(content.rstrip())
    return Passage(
        id=f"{document.name}#{start}-{end}",
        text=document.text[start:end],
        document=document.name,
        span=document.span(start, end),
        version=document.version,
        heading=titles,
    )
