"""An index kept in a folder: a manifest that names three files, passages, words and vectors, and what they were made with.

The files are named by their content and the manifest is replaced last, so that whoever opens the folder finds either the index
from before a change or the one after it, whatever happens in between; several processes may read and write it at once. Nothing
in it is ever executed: JSON, and plain arrays.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any

from modelhub.errors import ConfigError, PluginMissing
from modelhub.interfaces.passages import Passage, Span
from modelhub.retrieval.documents import version
from modelhub.retrieval.lexical import Bm25
from modelhub.retrieval.reading import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Kept", "Store", "store_folder"]

SCHEMA = 2
_MANIFEST = "manifest.json"
_OURS = re.compile(r"(?:passages|words|vectors)-([0-9a-f]{16})\.(?:jsonl|npy)")
_PARTS = ("terms", "offsets", "documents", "frequencies", "lengths")
"""The arrays of a words file, one after the other; the terms are text, one a line."""
_FRESH_SECONDS = 600
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a folder holds. ``recipe`` is what decides whether it can still be used: how it was cut, by which model embedded."""

    recipe: Mapping[str, Any]
    entries: Mapping[str, Entry]
    vectors: NDArray[np.float32] | None = field(default=None, repr=False)
    words: Bm25 | None = field(default=None, repr=False)


def store_folder(store: str, folder: str) -> str:
    """The folder that a ``store`` setting means.

    Raises ``PluginMissing`` where it names a plugin (``pgvector:...``), ``ConfigError`` where it names no folder of its own.
    """
    scheme = re.match(r"([A-Za-z][\w.+-]+):", store)
    if scheme:
        name = scheme.group(1)
        raise PluginMissing(
            f"No installed plugin keeps indexes as {name!r} (store = {store.split('@')[-1]!r}). Name a folder instead."
        )
    path = os.path.join(folder, store)
    if not store.strip() or (os.path.realpath(folder) + os.sep).startswith(os.path.realpath(path) + os.sep):
        raise ConfigError(f"store = {store!r} is the application's own folder. Name one for the index: '.modelhub/index'.")
    return path


@dataclass(frozen=True, slots=True)
class Store:
    """The index in ``folder``."""

    folder: str

    def open(self) -> tuple[Kept | None, str]:
        """What is kept, or ``None`` and why it cannot be used; the reason is empty where there is nothing yet."""
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                manifest = self._manifest()
            except FileNotFoundError:
                return None, ""
            except Exception as error:  # noqa: BLE001  # whatever is wrong with it, the index can be built again
                return None, f"the manifest is damaged ({type(error).__name__}: {error})"
            if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
                return None, "it was written by another version of modelhub"
            try:
                return self._kept(manifest), ""
            except FileNotFoundError as error:  # another process may have replaced the manifest, and removed what it named
                reason = f"its files are damaged ({error})"
            except Exception as error:  # noqa: BLE001
                return None, f"its files are damaged ({type(error).__name__}: {error})"
        return None, reason

    def _manifest(self) -> Any:
        with open(os.path.join(self.folder, _MANIFEST), "rb") as file:
            return json.loads(file.read())

    def _kept(self, manifest: dict[str, Any]) -> Kept:
        with self._verified(manifest["passages"]) as file:
            found = [_passage(json.loads(line)) for line in file]
        vectors = None if manifest["vectors"] is None else self._vectors(manifest, len(found))
        words = None if manifest["words"] is None else self._words(manifest["words"], len(found))
        entries, start = {}, 0
        for name, document in manifest["documents"].items():
            end = start + int(document["passages"])
            entries[name] = Entry(str(document["source"]), tuple(found[start:end]))
            start = end
        if start != len(found) or not all(entry.passages for entry in entries.values()):
            raise ValueError(f"{len(found)} passages where the manifest counts {start}")
        return Kept(recipe=dict(manifest["recipe"]), entries=entries, vectors=vectors, words=words)

    def _vectors(self, manifest: dict[str, Any], count: int) -> NDArray[np.float32]:
        import numpy as np

        with self._verified(manifest["vectors"]) as file:
            vectors: NDArray[np.float32] = np.load(file, allow_pickle=False)
        if vectors.dtype != np.float32 or vectors.shape != (count, manifest["dimensions"]):
            wanted = f"{count} passages of {manifest['dimensions']} dimensions"
            raise ValueError(f"{vectors.dtype} vectors of shape {vectors.shape} for {wanted}")
        return vectors

    def _words(self, name: str, count: int) -> Bm25:
        from numpy.lib.format import read_array

        with self._verified(name) as file:
            parts = {part: read_array(file, allow_pickle=False) for part in _PARTS}
        words = Bm25.from_data({**parts, "terms": parts["terms"].tobytes().decode().split("\n")[:-1]})
        if len(words) != count:
            raise ValueError(f"the words of {len(words)} passages for {count}")
        return words

    @contextmanager
    def _verified(self, name: str) -> Iterator[IO[bytes]]:
        """One of the index's files, open, once its content is known to be the one that its name was made from."""
        from hashlib import file_digest

        ours = _OURS.fullmatch(name)
        if not ours:
            raise ValueError(f"{name!r} is not the name of one of the index's files")
        with open(os.path.join(self.folder, name), "rb") as file:
            if not file_digest(file, "sha256").hexdigest().startswith(ours.group(1)):
                raise ValueError(f"{name} has been changed since it was written")
            file.seek(0)
            yield file

    def save(self, kept: Kept) -> None:
        """Write it all, so that it counts only once all of it is there. Raises ``ConfigError`` where the folder cannot be
        written.
        """
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            before = self._named()
            names = {
                "passages": self._save_passages(kept),
                "words": self._save_words(kept),
                "vectors": self._save_vectors(kept),
            }
            documents = {
                name: {"source": entry.source, "passages": len(entry.passages)} for name, entry in kept.entries.items()
            }
            dimensions = None if kept.vectors is None else kept.vectors.shape[1]
            manifest = {
                "schema": SCHEMA,
                "recipe": dict(kept.recipe),
                "dimensions": dimensions,
                **names,
                "documents": documents,
            }
            self._write(_MANIFEST, _json(manifest, indent=1))
        except OSError as error:
            raise ConfigError(f"The index cannot be kept in {self.folder}: {error.strerror}. Check `store`.") from error
        with suppress(OSError):  # the index is kept, whatever becomes of the old files
            self._tidy(before)

    def _save_passages(self, kept: Kept) -> str:
        data = b"".join(_json(asdict(passage)) + b"\n" for entry in kept.entries.values() for passage in entry.passages)
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

    def _save_words(self, kept: Kept) -> str | None:
        if kept.words is None:
            return None
        import io

        import numpy as np
        from numpy.lib.format import write_array

        parts = kept.words.to_data()
        parts["terms"] = np.frombuffer("".join(term + "\n" for term in parts["terms"]).encode(), np.uint8)
        buffer = io.BytesIO()
        for part in _PARTS:
            write_array(buffer, parts[part], allow_pickle=False)
        data = buffer.getvalue()
        return self._write(f"words-{version(data)}.npy", data)

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
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        return name

    def _named(self) -> set[str]:
        """The files that the manifest names now; none where there is no manifest that can be read."""
        try:
            manifest = self._manifest()
            return {
                name
                for name in (manifest["passages"], manifest["words"], manifest["vectors"])
                if name and _OURS.fullmatch(name)
            }
        except Exception:  # noqa: BLE001  # whatever is wrong with it, it names nothing
            return set()

    def _tidy(self, before: set[str]) -> None:
        """Remove what no manifest has named for ten minutes; until then another process may be reading or writing it.

        ``before`` are the files of the manifest that was just replaced: their ten minutes begin now.
        """
        import time

        current = self._named()
        for name in before - current:
            with suppress(OSError):
                os.utime(os.path.join(self.folder, name))
        with os.scandir(self.folder) as items:
            for item in items:
                ours = _OURS.fullmatch(item.name) or item.name.startswith(".writing-")
                with suppress(OSError):  # another process tidies here too
                    if ours and item.name not in current and time.time() - item.stat().st_mtime > _FRESH_SECONDS:
                        os.unlink(item.path)


def _json(data: Any, indent: int | None = None) -> bytes:
    """What can be printed stays readable, and a file name that is no text is kept as it is."""
    return json.dumps(data, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")


def _passage(data: dict[str, Any]) -> Passage:
    span = Span(**{name: int(value) for name, value in data.pop("span").items()})
    passage = Passage(span=span, **{**data, "score": 0.0})
    texts = (passage.id, passage.text, passage.document, passage.version, passage.heading)
    if not all(isinstance(value, str) for value in texts) or len(passage.text) != span.end - span.start:
        raise ValueError(f"the passage {passage.id!r} does not have the parts of a passage")
    return passage
