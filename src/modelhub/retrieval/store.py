"""An index kept in a folder: a manifest that names two files, passages and vectors, and what they were made with.

The files are named by their content and the manifest is replaced last, so that whoever opens the folder finds either the index
from before a change or the one after it, whatever happens in between. Nothing in it is ever executed: JSON, and plain arrays.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from modelhub.errors import ConfigError, PluginMissing
from modelhub.interfaces.content import Passage, Span
from modelhub.retrieval.documents import version
from modelhub.retrieval.reading import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Kept", "Store", "store_folder"]

SCHEMA = 1
_MANIFEST = "manifest.json"
_OURS = re.compile(r"(?:passages-[0-9a-f]{16}\.jsonl|vectors-[0-9a-f]{16}\.npy)")
_FRESH_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a folder holds. ``recipe`` is what decides whether it can still be used: how it was cut, by which model embedded."""

    recipe: Mapping[str, Any]
    entries: Mapping[str, Entry]
    vectors: NDArray[np.float32] | None = field(default=None, repr=False)


def store_folder(store: str, folder: str) -> str:
    """The folder that a ``store`` setting means. Raises ``PluginMissing`` where it names a plugin: ``pgvector:...``."""
    scheme = re.match(r"([A-Za-z][\w.+-]+):", store)
    if scheme:
        name = scheme.group(1)
        raise PluginMissing(
            f"No installed plugin keeps indexes as {name!r} (store = {store.split('@')[-1]!r}). Name a folder instead."
        )
    return os.path.join(folder, store)


@dataclass(frozen=True, slots=True)
class Store:
    """The index in ``folder``."""

    folder: str

    def open(self) -> tuple[Kept | None, str]:
        """What is kept, or ``None`` and why it cannot be used; the reason is empty where there is nothing yet."""
        try:
            with open(os.path.join(self.folder, _MANIFEST), encoding="utf-8") as file:
                manifest = json.load(file)
        except FileNotFoundError:
            return None, ""
        except (OSError, ValueError) as error:
            return None, f"the manifest cannot be read ({error})"
        if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
            return None, "it was written by another version of modelhub"
        try:
            return self._kept(manifest), ""
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return None, f"its files are damaged ({type(error).__name__}: {error})"

    def _kept(self, manifest: dict[str, Any]) -> Kept:
        with open(self._ours(manifest["passages"]), encoding="utf-8", newline="\n") as file:
            found = [_passage(json.loads(line)) for line in file]
        vectors = None
        if manifest["vectors"] is not None:
            import numpy as np

            vectors = np.load(self._ours(manifest["vectors"]), allow_pickle=False)
            if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != len(found):
                raise ValueError(f"{vectors.dtype} vectors of shape {vectors.shape} for {len(found)} passages")
        entries, start = {}, 0
        for name, document in manifest["documents"].items():
            end = start + int(document["passages"])
            entries[name] = Entry(str(document["source"]), tuple(found[start:end]))
            start = end
        if start != len(found):
            raise ValueError(f"{len(found)} passages where the manifest counts {start}")
        return Kept(recipe=dict(manifest["recipe"]), entries=entries, vectors=vectors)

    def _ours(self, name: str) -> str:
        if not _OURS.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of one of the index's files")
        return os.path.join(self.folder, name)

    def save(self, kept: Kept) -> None:
        """Write it all, so that it counts only once all of it is there. Raises ``ConfigError`` where the folder cannot be
        written.
        """
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            names = {"passages": self._save_passages(kept), "vectors": self._save_vectors(kept)}
            documents = {
                name: {"source": entry.source, "passages": len(entry.passages)} for name, entry in kept.entries.items()
            }
            manifest = {"schema": SCHEMA, "recipe": dict(kept.recipe), **names, "documents": documents}
            self._write(_MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
            self._tidy({_MANIFEST, *filter(None, names.values())})
        except OSError as error:
            raise ConfigError(f"The index cannot be kept in {self.folder}: {error.strerror}. Check `store`.") from error

    def _save_passages(self, kept: Kept) -> str:
        lines = [
            json.dumps(asdict(passage), ensure_ascii=False) for entry in kept.entries.values() for passage in entry.passages
        ]
        data = "".join(line + "\n" for line in lines).encode()
        return self._write(f"passages-{version(data)}.jsonl", data)

    def _save_vectors(self, kept: Kept) -> str | None:
        if kept.vectors is None:
            return None
        import io

        import numpy as np

        buffer = io.BytesIO()
        np.save(buffer, kept.vectors, allow_pickle=False)
        data = buffer.getvalue()
        return self._write(f"vectors-{version(data)}.npy", data)

    def _write(self, name: str, data: bytes) -> str:
        import tempfile

        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, os.path.join(self.folder, name))
        except BaseException:
            os.unlink(temporary)
            raise
        return name

    def _tidy(self, current: set[str]) -> None:
        """Remove what no manifest names any more; what is younger than ten minutes may be another process's work and stays."""
        import time

        for item in os.scandir(self.folder):
            ours = _OURS.fullmatch(item.name) or item.name.startswith(".writing-")
            if ours and item.name not in current and time.time() - item.stat().st_mtime > _FRESH_SECONDS:
                os.unlink(item.path)


def _passage(data: dict[str, Any]) -> Passage:
    span = Span(**{name: int(value) for name, value in data.pop("span").items()})
    passage = Passage(span=span, **{**data, "score": 0.0})
    texts = (passage.id, passage.text, passage.document, passage.version, passage.heading)
    if not all(isinstance(value, str) for value in texts) or len(passage.text) != span.end - span.start:
        raise ValueError(f"the passage {passage.id!r} does not have the parts of a passage")
    return passage
