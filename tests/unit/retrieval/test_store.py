from __future__ import annotations

import io
import json
import os
import pickle
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelhub.errors import ConfigError, PluginMissing
from modelhub.retrieval.documents import Document, version
from modelhub.retrieval.lexical import Bm25
from modelhub.retrieval.reading import Entry, passages
from modelhub.retrieval.store import Kept, Store, store_folder
from modelhub.retrieval.tokens import count_tokens

DOCUMENT = Document("docs/鍵.md", "鍵は毎月更新します。\u2028次の文です。\n\nKeys are rotated.\n")
ENTRY = Entry("0123456789abcdef", passages(DOCUMENT, tokens=28, overlap=0, count=count_tokens))
KEPT = Kept(
    recipe={"chunk": {"tokens": 12}, "embedding": "test:letters"},
    entries={DOCUMENT.name: ENTRY},
    vectors=np.eye(2, 3, dtype=np.float32),
    words=Bm25.build(passage.text for passage in ENTRY.passages),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    kept = Store(str(tmp_path / "kept"))
    kept.save(KEPT)
    return kept


def test_what_was_saved_is_opened(store: Store) -> None:
    assert len(ENTRY.passages) == 2
    kept, reason = store.open()
    assert reason == ""
    assert kept is not None
    assert (kept.recipe, dict(kept.entries)) == (KEPT.recipe, dict(KEPT.entries))
    np.testing.assert_array_equal(kept.vectors, KEPT.vectors)
    assert kept.words is not None
    assert kept.words.search("鍵の更新", 2) == KEPT.words.search("鍵の更新", 2) != []


def test_no_store_is_no_reason(tmp_path: Path) -> None:
    assert Store(str(tmp_path / "none")).open() == (None, "")


@pytest.mark.skipif(os.name == "nt", reason="other rights there")
def test_the_files_are_the_owners_alone(store: Store) -> None:
    """AT-P7: files 0600."""
    assert stat.S_IMODE(os.stat(store.folder).st_mode) == 0o700
    assert {stat.S_IMODE(item.stat().st_mode) for item in os.scandir(store.folder)} == {0o600}


def test_text_is_kept_readable(store: Store) -> None:
    """AT-V: no escapes of what can be printed."""
    (path,) = Path(store.folder).glob("passages-*.jsonl")
    assert "鍵は毎月更新します。" in path.read_text(encoding="utf-8")


def damaged(store: Store, change: Any) -> tuple[Kept | None, str]:
    path = Path(store.folder, "manifest.json")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest, Path(store.folder))
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return store.open()


def put(part: str, data: bytes) -> Callable[[dict[str, Any], Path], None]:
    """Another content of a part, with the name that belongs to it: as one would who means harm, not as a disk would."""

    def change(manifest: dict[str, Any], folder: Path) -> None:
        manifest[part] = f"{part}-{version(data)}.{manifest[part].rpartition('.')[2]}"
        (folder / manifest[part]).write_bytes(data)

    return change


def array(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=True)
    return buffer.getvalue()


def words_of_nothing(manifest: dict[str, Any], folder: Path) -> None:
    other = Store(str(folder / "other"))
    other.save(Kept(recipe={}, entries={}, words=Bm25.build([])))
    (words,) = Path(other.folder).glob("words-*.npy")
    put("words", words.read_bytes())(manifest, folder)


def other_letters(manifest: dict[str, Any], folder: Path) -> None:
    path = folder / manifest["passages"]
    data = path.read_bytes()
    path.write_bytes(data.replace("毎月".encode(), "毎年".encode()))
    assert path.stat().st_size == len(data)
    assert path.read_bytes() != data


DAMAGES: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "another schema": lambda manifest, folder: manifest.update(schema=99),
    "a path": lambda manifest, folder: manifest.update(passages="../../etc/passwd"),
    "an absolute path": lambda manifest, folder: manifest.update(vectors="/etc/passwd"),
    "no name": lambda manifest, folder: manifest.update(passages=["passages"]),
    "a missing file": lambda manifest, folder: (folder / manifest["passages"]).unlink(),
    "other letters": other_letters,
    "half a file": put("passages", b'{"id": '),
    "depth": put("passages", b"[" * 100_000),
    "no passages": put("passages", b"{}\n{}\n"),
    "fewer passages": lambda manifest, folder: manifest["documents"][DOCUMENT.name].update(passages=1),
    "no number of passages": lambda manifest, folder: manifest["documents"][DOCUMENT.name].update(passages=float("inf")),
    "documents without passages": lambda manifest, folder: manifest["documents"].update(x={"source": "", "passages": 0}),
    "a missing key": lambda manifest, folder: manifest.pop("documents"),
    "no mapping": lambda manifest, folder: manifest.update(documents=[1]),
    "no recipe": lambda manifest, folder: manifest.update(recipe=None),
    "other dimensions": lambda manifest, folder: manifest.update(dimensions=4),
    "fewer vectors": put("vectors", array(np.zeros((1, 3), np.float32))),
    "other numbers": put("vectors", array(np.zeros((2, 3), np.float64))),
    "cut vectors": put("vectors", b"\x93NUMPY"),
    "empty vectors": put("vectors", b""),
    "no words": lambda manifest, folder: manifest.pop("words"),
    "cut words": put("words", b"\x93NUMPY"),
    "a zip of words": put("words", b"PK\x03\x04"),
    "other words": words_of_nothing,
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_is_damaged_is_not_used_and_the_reason_is_told(store: Store, change: Any) -> None:
    kept, reason = damaged(store, change)
    assert kept is None
    assert reason


@pytest.mark.parametrize("data", [b"\x80\x04", b"", b"{", b"[" * 100_000, b"[]", b"null"])
def test_a_manifest_that_is_none_is_not_used_and_can_be_replaced(store: Store, data: bytes) -> None:
    Path(store.folder, "manifest.json").write_bytes(data)
    kept, reason = store.open()
    assert kept is None
    assert reason
    store.save(KEPT)
    assert store.open()[1] == ""


def test_the_manifest_says_how_long_the_vectors_are(store: Store) -> None:
    """AT-P3: the embedding model's id and its dimensions."""
    manifest = json.loads(Path(store.folder, "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["recipe"]["embedding"], manifest["dimensions"]) == ("test:letters", 3)


def test_a_document_whose_name_is_no_text_is_kept(store: Store) -> None:
    entries = {"\udcff.md": replace(ENTRY, passages=tuple(replace(one, document="\udcff.md") for one in ENTRY.passages))}
    store.save(Kept(recipe={}, entries=entries))
    kept, _ = store.open()
    assert kept is not None
    assert dict(kept.entries) == entries


class Planted:
    def __reduce__(self) -> Any:
        return os.mkdir, ("planted-was-run",)


@pytest.mark.parametrize("form", ["object array", "bare pickle"])
@pytest.mark.parametrize("part", ["vectors", "words"])
def test_nothing_in_a_store_is_ever_executed(store: Store, form: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-H4: a pickle in place of the vectors, or of the words."""
    monkeypatch.chdir(store.folder)
    planted = np.array([Planted(), Planted()], dtype=object)
    kept, reason = damaged(store, put(part, array(planted) if form == "object array" else pickle.dumps(Planted())))
    assert kept is None
    assert "damaged" in reason
    assert not os.path.exists("planted-was-run")


def test_a_write_that_stops_half_way_leaves_the_index_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-P7: whoever opens the folder finds the last state that was complete."""
    other = Kept(recipe=KEPT.recipe, entries={})
    renamed = []

    def fail_at_the_second(source: str, target: str) -> None:
        renamed.append(target)
        if len(renamed) == 2:
            raise OSError(28, "No space left on device")
        os.rename(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_second)
    with pytest.raises(ConfigError, match="No space left"):
        store.save(other)
    kept, _ = store.open()
    assert kept is not None
    assert dict(kept.entries) == dict(KEPT.entries)
    assert not [item.name for item in os.scandir(store.folder) if item.name.startswith(".writing-")]


def test_what_nothing_names_is_removed_once_it_is_old(store: Store) -> None:
    (before,) = Path(store.folder).glob("passages-*.jsonl")
    store.save(Kept(recipe=KEPT.recipe, entries={}))
    assert before.exists(), "another process may just have written it"
    os.utime(before, (time.time() - 5000,) * 2)
    store.save(Kept(recipe=KEPT.recipe, entries={}))
    assert not before.exists()


def test_what_was_named_until_now_is_young_however_long_ago_it_was_written(store: Store) -> None:
    before = [Path(item.path) for item in os.scandir(store.folder) if item.name != "manifest.json"]
    for path in before:
        os.utime(path, (time.time() - 5000,) * 2)
    store.save(Kept(recipe=KEPT.recipe, entries={}))
    assert all(path.exists() for path in before), "another process may just have read the manifest from before"


def test_what_cannot_be_tidied_fails_no_save(store: Store) -> None:
    stuck = Path(store.folder, "passages-0123456789abcdef.jsonl")
    stuck.mkdir()
    os.utime(stuck, (time.time() - 5000,) * 2)
    store.save(Kept(recipe=KEPT.recipe, entries={}))
    kept, _ = store.open()
    assert kept is not None
    assert kept.entries == {}


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cannot be kept in .*Check `store`"):
        Store(str(tmp_path / "file")).save(KEPT)


def test_a_store_that_a_plugin_would_keep_says_so_without_the_password() -> None:
    with pytest.raises(PluginMissing, match="pgvector") as caught:
        store_folder("pgvector:postgresql://user:geheim@host/db", ".")
    assert "geheim" not in caught.value.message


@pytest.mark.parametrize("store", ["", " ", ".", "./", "docs/..", ".."])
def test_a_folder_that_is_not_the_indexs_own_is_refused(tmp_path: Path, store: str) -> None:
    with pytest.raises(ConfigError, match="Name one for the index"):
        store_folder(store, str(tmp_path))


@pytest.mark.parametrize("store", [".modelhub/handbook", "/var/index", "C:\\index", "名前"])
def test_anything_else_is_a_folder(store: str) -> None:
    assert store_folder(store, "/base").endswith(store)
