"""Models kept by name: placed, replaced and removed whole, whoever else is at it."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from modelhub.catalog.cleaning import clean, use
from modelhub.catalog.shards import shard_number, shards, stem
from modelhub.catalog.store import Store, cache_folder, stored
from modelhub.errors import InvalidRequest, SetupError, UnknownModel


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "cache"))


def model_file(folder: Path, name: str = "模型.bin", content: bytes = b"weights") -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_a_model_is_kept_with_all_that_is_known_of_it(store: Store, tmp_path: Path) -> None:
    file = model_file(tmp_path)
    model, placing = store.add([file], name="小さい", licence="mit", source=file)
    assert store.find("小さい") == model
    assert store.models() == (model,)
    assert (model.licence, model.source, model.bytes) == ("mit", file, 7)
    assert model.files[0].sha256 is None  # a linked file is not read
    assert model.added.endswith("+00:00")
    assert Path(model.paths[0]).read_bytes() == b"weights"
    assert Path(model.paths[0]).name == "模型.bin"
    assert placing == "link"
    assert os.path.samefile(file, model.paths[0])


def test_a_name_that_is_taken_is_refused_in_any_case(store: Store, tmp_path: Path) -> None:
    first, _ = store.add([model_file(tmp_path)], name="Qwen")
    other = model_file(tmp_path, "b.bin", b"other")
    with pytest.raises(InvalidRequest, match="--replace"):
        store.add([other], name="qwen")
    assert store.models() == (first,)
    second, _ = store.add([other], name="qwen", replace=True)
    assert store.models() == (second,)
    assert store.find("QWEN") == second
    assert not os.path.exists(first.paths[0])


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../b", "/a", "a b", "a\n", "a/", "a//b", "C:\\x", "x" * 201, "a\0"])
def test_what_is_no_name_is_refused_and_leaves_nothing(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be a model's name"):
        store.add([model_file(tmp_path)], name=name)
    assert store.find(name) is None
    assert not os.path.exists(store.folder)


@pytest.mark.parametrize(
    "name", ["qwen2.5-7b", "Qwen/Qwen2.5-7B", "qwen2.5:7b", "日本語モデル", "a" * 200, "語" * 120, "con", "c++"]
)
def test_names_as_models_have_them(store: Store, tmp_path: Path, name: str) -> None:
    model, _ = store.add([model_file(tmp_path)], name=name)
    assert store.find(name) == model
    assert os.path.dirname(os.path.dirname(model.folder)) == store.models_folder
    assert store.remove(name) == model
    assert os.listdir(store.models_folder) == []


def test_where_no_link_can_be_made_it_is_copied(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    told: list[tuple[int, int, str]] = []
    file = model_file(tmp_path)
    model, placing = store.add([file], name="x", progress=lambda *step: told.append(step))
    assert placing == "copy"
    assert not os.path.samefile(file, model.paths[0])
    assert Path(model.paths[0]).read_bytes() == b"weights"
    assert told == [(7, 7, "copy 模型.bin")]
    assert model.files[0].sha256 == hashlib.sha256(b"weights").hexdigest()
    assert store.find("x") == model


def test_without_room_nothing_is_left(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    def refused(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))  # type: ignore[attr-defined]
    with pytest.raises(SetupError, match="1 B free and needs"):
        store.add([model_file(tmp_path)], name="x")
    assert (store.models(), os.listdir(store.models_folder)) == ((), [])


def test_a_file_that_is_missing_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.add([model_file(tmp_path), str(tmp_path / "none.bin")], name="x")
    assert (store.models(), os.listdir(store.models_folder)) == ((), [])


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        "{",
        '{"name": "x", "files": [], "folder": "f"}',
        '{"name": "x", "folder": "..", "files": [{"name": "b", "bytes": 1, "sha256": ""}]}',
        '{"name": "x", "folder": "f", "files": [{"name": "../../passwd", "bytes": 1, "sha256": ""}]}',
        "[" * 100_000,
    ],
)
def test_a_manifest_that_is_not_ours_is_no_model(store: Store, tmp_path: Path, damage: str) -> None:
    model, _ = store.add([model_file(tmp_path)], name="x")
    Path(store.home("x"), "manifest.json").write_text(damage, encoding="utf-8")
    assert store.find("x") is None
    assert store.models() == ()
    again, _ = store.add([model_file(tmp_path)], name="x")
    assert store.find("x") == again
    assert model.folder != again.folder


def test_a_file_that_is_gone_is_no_model(store: Store, tmp_path: Path) -> None:
    model, _ = store.add([model_file(tmp_path)], name="x")
    os.unlink(model.paths[0])
    assert store.find("x") is None


def test_a_wrong_name_is_told_what_is_near(store: Store, tmp_path: Path) -> None:
    store.add([model_file(tmp_path)], name="assistant")
    with pytest.raises(UnknownModel, match="Did you mean 'assistant'"):
        store.remove("asistant")


def test_the_use_is_what_there_is_and_cleaning_takes_what_nobody_needs(store: Store, tmp_path: Path) -> None:
    model, _ = store.add([model_file(tmp_path)], name="x")
    part = Path(store.parts_folder, "abc")
    part.mkdir(parents=True)
    (part / "y.bin.part").write_bytes(b"12345")
    orphan = Path(store.models_folder, "gone", "key")
    orphan.mkdir(parents=True)
    (orphan / "z.bin").write_bytes(b"123")
    old = time.time() - 7200
    for path in (orphan / "z.bin", orphan, orphan.parent):
        os.utime(path, (old, old))
    found = use(store)
    assert found.models == (model,)
    assert [(left.what, left.bytes, left.held) for left in found.leftovers] == [("orphan", 3, False), ("part", 5, False)]
    assert found.bytes == 7 + 3 + 5
    assert clean(store).bytes == 8
    assert use(store).leftovers == ()
    assert store.models() == (model,)
    assert clean(store, everything=True).models == (model,)
    assert use(store).bytes == 0


def test_what_another_process_may_be_at_is_left_alone(store: Store) -> None:
    from modelhub.catalog.part import Part

    fresh = Path(store.models_folder, "new", "key")
    fresh.mkdir(parents=True)
    with Part(os.path.join(store.parts_folder, "abc"), "y.bin"):
        assert [left.held for left in use(store).leftovers] == [True, True]
        assert clean(store).leftovers == ()
    assert [left.what for left in clean(store).leftovers] == ["part"]


def test_the_cache_is_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == str(tmp_path / "mine")
    assert stored() == ()
    monkeypatch.delenv("MODELHUB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform.startswith("linux"):
        assert cache_folder() == str(tmp_path / "xdg" / "modelhub")


def test_a_model_in_several_files_is_known_by_their_names() -> None:
    names = ("d/x-00001-of-00003.gguf", "d/x-00002-of-00003.gguf", "d/x-00003-of-00003.gguf")
    assert shards(names[1]) == names
    assert [shard_number(name) for name in names] == [1, 2, 3]
    assert {stem(name) for name in names} == {"x"}
    assert shards("x-2-of-3.gguf") == ("x-2-of-3.gguf",)
    assert (shard_number("x.gguf"), stem("qwen2.5-7b.gguf")) == (None, "qwen2.5-7b")


def add_it(folder: str, file: str, results: Any, gate: Any) -> None:
    gate.wait()
    try:
        model, _ = Store(folder).add([file], name="wanted")
        results.put(model.folder)
    except InvalidRequest:
        results.put(None)


def test_of_many_processes_that_want_a_name_one_gets_it(store: Store, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results, gate = context.Queue(), context.Barrier(4)
    file = model_file(tmp_path, content=os.urandom(1 << 20))
    workers = [context.Process(target=add_it, args=(store.folder, file, results, gate)) for _ in range(4)]
    for worker in workers:
        worker.start()
    won = [folder for folder in (results.get(timeout=40) for _ in workers) if folder]
    for worker in workers:
        worker.join(20)
    model = store.find("wanted")
    assert model is not None
    assert won == [model.folder]
    assert sorted(os.listdir(store.home("wanted"))) == sorted([os.path.basename(model.folder), "manifest.json"])


def test_who_reads_while_it_is_replaced_always_finds_a_model(store: Store, tmp_path: Path) -> None:
    files = [model_file(tmp_path, f"{number}.bin", bytes([number]) * 1000) for number in range(4)]
    store.add([files[0]], name="x")
    done = threading.Event()
    missed: list[int] = []

    def look() -> None:
        while not done.is_set():
            if store.find("x") is None:
                missed.append(1)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for turn in range(60):
        store.add([files[turn % 4]], name="x", replace=True)
    done.set()
    for reader in readers:
        reader.join(20)
    assert missed == []
    model = store.find("x")
    assert model is not None
    assert json.loads(Path(store.home("x"), "manifest.json").read_text(encoding="utf-8"))["files"][0]["name"] == "3.bin"
    assert len(os.listdir(store.home("x"))) == 2
