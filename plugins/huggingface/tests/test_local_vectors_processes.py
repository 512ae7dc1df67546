"""Several processes that share a large request: what they compute, when they are started, and that none of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Never

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='pip install "modelhub-huggingface[local]"')

from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.lengths import together
from modelhub_huggingface.local.recipe import recipe
from modelhub_huggingface.local.share import Share
from modelhub_huggingface.local.vectors import Embedder, load_embedder
from modelhub_huggingface.options import HuggingFaceOptions
from tiny_encoders import sentences, vectors

from modelhub import Hub

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux shows them"),
    pytest.mark.timeout(240),  # each process imports torch, beside all others of a busy machine
]

TEXTS = [f"{'rain ' * (number % 9)}in {'tokyo' if number % 2 else '東京'}" for number in range(200)]
WAIT = 60
"""Seconds: a process imports torch first, on a machine that others use as well."""


class Key:
    """One that must stay in this process."""

    loaded = True

    def load(self, timeout: float | None = None) -> None:
        """It is there."""

    def reveal(self) -> str:
        return "hf_secret"

    def __reduce__(self) -> Never:
        raise AssertionError("A key was handed to another process.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentences(tmp_path_factory.mktemp("processes") / "tiny")


@pytest.fixture(scope="module")
def embedder(folder: Path) -> Iterator[Embedder]:
    """With two processes that are ready."""
    made = load(folder)
    assert made.crew is not None
    share = shared(made)
    made.crew.compute(share, lambda _: False, lambda: not share.is_over)
    wait_for(lambda: made.crew is not None and made.crew.ready == 2)
    yield made
    made.close()


def load(folder: Path) -> Embedder:
    options = HuggingFaceOptions(dtype="float32", processes=2, api_key=Key())
    made = load_embedder(recipe(ModelFolder(str(folder)), options), options)
    return replace(made, at_once=64)


def shared(embedder: Embedder) -> Share:
    texts = embedder.tokens.of(TEXTS)
    return Share(texts, together(list(map(len, texts)), embedder.at_once))


def wait_for(done: object) -> None:
    assert callable(done)
    for _ in range(WAIT * 20):
        if done():
            return
        threading.Event().wait(0.05)
    raise AssertionError("It took too long.")


def test_processes_compute_what_one_does_in_the_order_of_the_texts(embedder: Embedder, folder: Path) -> None:
    """None of it is computed here, and each vector is its own text's."""
    assert embedder.crew is not None
    share = shared(embedder)
    embedder.crew.compute(share, lambda _: False, lambda: True)
    assert np.abs(share.vectors() - vectors(folder, TEXTS)).max() < 1e-5
    assert embedder.notices == ()


def test_a_request_of_a_few_batches_is_shared_once_processes_are_there(embedder: Embedder) -> None:
    assert embedder.crew is not None
    assert embedder.crew.is_worth(batches=4, tokens=100)
    assert not embedder.crew.is_worth(batches=3, tokens=100)


def test_a_process_is_started_only_for_a_request_that_is_worth_it(folder: Path) -> None:
    """Some seconds of one core: less is done sooner than a process has loaded its weights."""
    with Hub(config={"providers": {"huggingface": {"processes": 2, "threads": 1}}}) as hub:
        before = len(processes())
        assert len(hub.embedding(f"huggingface:{folder}").embed(TEXTS)) == len(TEXTS)
        assert len(processes()) == before
    made = load(folder)
    assert made.crew is not None
    assert not made.crew.is_worth(batches=100, tokens=100_000)
    assert made.crew.is_worth(batches=100, tokens=10**12)


def test_beside_an_accelerator_there_are_none_and_that_is_told(folder: Path) -> None:
    options = HuggingFaceOptions(device="meta", processes=2)
    made = load_embedder(recipe(ModelFolder(str(folder)), options), options)
    assert made.crew is None
    assert [notice.setting for notice in made.notices] == ["processes"]


def test_what_is_no_longer_wanted_is_not_waited_for(embedder: Embedder) -> None:
    assert embedder.crew is not None
    asked = iter([True, False])
    share = shared(embedder)
    embedder.crew.compute(share, lambda _: False, lambda: next(asked))
    assert share.take() is None, "Nobody takes a batch of a request whose caller has left."


def test_one_that_dies_leaves_its_batch_to_the_others_and_is_told(folder: Path) -> None:
    """It may be killed for its memory; no vector is lost, and the process that is left, or this one, goes on."""
    before = set(processes())
    made = load(folder)
    assert made.crew is not None
    try:
        made.crew.compute(first := shared(made), lambda _: False, lambda: not first.is_over)
        for process in set(processes()) - before:
            os.kill(process, signal.SIGKILL)
        found = made.vectors(made.tokens.of(TEXTS), 0, lambda: True)
        assert np.abs(found - vectors(folder, TEXTS)).max() < 1e-5
        wait_for(lambda: made.notices)
        assert [notice.setting for notice in made.notices] == ["processes"]
    finally:
        made.close()


def test_one_that_cannot_load_the_model_says_why(tmp_path: Path) -> None:
    folder = sentences(tmp_path / "m")
    made = load(folder)
    assert made.crew is not None
    (folder / "model.safetensors").unlink()
    try:
        share = shared(made)
        made.crew.compute(share, made.step, lambda: True)
        assert np.isfinite(share.vectors()).all()
        wait_for(lambda: made.notices)
        assert "holds no weights" in made.notices[0].message
    finally:
        made.close()


def test_none_is_left_when_the_model_is_unloaded(folder: Path) -> None:
    before = set(processes())
    made = load(folder)
    assert made.crew is not None
    made.crew.compute(shared(made), made.step, lambda: True)  # while they are still loading
    assert set(processes()) - before
    made.close()
    assert set(processes()) <= before


def test_the_process_that_has_started_them_takes_them_along(folder: Path) -> None:
    """Even where it is killed: they read from it, and end when nobody writes any more."""
    code = (
        "import sys, time\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from test_local_vectors_processes import load, processes, shared, wait_for\n"
        "made = load(Path(sys.argv[1]))\n"
        "made.crew.compute(share := shared(made), lambda _: False, lambda: not share.is_over)\n"
        "wait_for(lambda: made.crew.ready == 2)\n"
        "print(*processes(), flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(folder), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as started:
        assert started.stdout is not None
        pids = [int(word) for word in started.stdout.readline().split()]
        started.kill()
    assert len(pids) == 2
    wait_for(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes() -> list[int]:
    """The children of this process that are workers."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid() and b"local.worker" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue
    return found
