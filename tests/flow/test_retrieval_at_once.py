"""One index, asked by many at once: it is built once, and everybody gets the same answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import pytest

from modelhub.config.specs import IndexSpec
from modelhub.errors import ConfigError
from modelhub.interfaces.embedding import EmbeddingRequest, EmbeddingResponse, pack
from modelhub.model import ModelCard, Runtime
from modelhub.retrieval.index import Index
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive


@dataclass(eq=False)
class SlowEmbedder:
    """Takes its time, and counts the documents it was given."""

    documents: int = 0
    card = ModelCard(model="test:slow", kind="embedding", max_batch=2)

    async def call(self, request: EmbeddingRequest, runtime: Runtime) -> EmbeddingResponse:
        await runtime.sleep(0.03)
        self.documents += len(request.inputs) if request.purpose == "document" else 0
        buffer, count, dimensions = pack([[float(len(text)), 1.0] for text in request.inputs])
        return EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions)

    async def stream(self, request: EmbeddingRequest, runtime: Runtime) -> AsyncGenerator[Never, None]:
        raise AssertionError(await self.call(request, runtime))
        yield  # type: ignore[unreachable]  # this makes it a stream


@pytest.fixture
def embedder() -> SlowEmbedder:
    return SlowEmbedder()


@pytest.fixture
def index(tmp_path: Path, embedder: SlowEmbedder) -> Index:
    for number in range(5):
        (tmp_path / f"{number}.md").write_text(f"鍵 number {number}\n" * (number + 1), encoding="utf-8")
    return Index("many", IndexSpec(sources=("*.md",), store="kept"), str(tmp_path), embedder)


async def in_a_loop(index: Index, searches: int) -> list[tuple[str, ...]]:
    runtime = AsyncRuntime()
    try:
        found = await asyncio.gather(*(index.search("鍵", runtime) for _ in range(searches)))
        return [tuple(hit.id for hit in hits) for hits in found]
    finally:
        await runtime.aclose()


def in_a_thread(index: Index, found: list[tuple[str, ...]]) -> None:
    runtime = BlockingRuntime()
    found.append(tuple(hit.id for hit in drive(index.search("鍵", runtime))))
    runtime.close()


def test_twenty_tasks_build_it_once(index: Index, embedder: SlowEmbedder) -> None:
    found = asyncio.run(in_a_loop(index, 20))
    assert embedder.documents == 5
    assert len(found[0]) == 5
    assert set(found) == {found[0]}


def test_threads_and_loops_together_build_it_once(index: Index, embedder: SlowEmbedder) -> None:
    """AT-F1: one hub in many threads and loops."""
    found: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=in_a_thread, args=(index, found)) for _ in range(8)]
    threads += [threading.Thread(target=lambda: found.extend(asyncio.run(in_a_loop(index, 4)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert embedder.documents == 5
    assert len(found) == 20
    assert len(set(found)) == 1


def test_a_build_that_is_cancelled_leaves_the_next_one_free(index: Index, embedder: SlowEmbedder) -> None:
    async def main() -> tuple[str, ...]:
        runtime = AsyncRuntime()
        task = asyncio.create_task(index.prepare(runtime))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hits = await index.search("鍵", runtime)
        await runtime.aclose()
        return tuple(hit.id for hit in hits)

    assert len(asyncio.run(main())) == 5


def test_a_build_that_fails_is_tried_again_by_the_next(index: Index, embedder: SlowEmbedder) -> None:
    away = Path(index.folder).rename(Path(index.folder).with_name("away"))
    runtime = BlockingRuntime()
    with pytest.raises(ConfigError, match="matches no file"):
        drive(index.search("鍵", runtime))
    away.rename(index.folder)
    assert len(drive(index.search("鍵", runtime))) == 5
    runtime.close()


WRITER = """
import os, sys, time
from modelhub.interfaces.passages import Passage, Span
from modelhub.retrieval.documents import version
from modelhub.retrieval.reading import Entry
from modelhub.retrieval.store import Kept, Store

def superseded(text):
    for name in os.listdir(store.folder):
        try:
            path = os.path.join(store.folder, name)
            if name.startswith("passages-") and text in open(path, encoding="utf-8").read():
                os.utime(path, (time.time() - 3600,) * 2)  # as if an hour had gone by
        except FileNotFoundError:
            pass

store, me, end, round = Store(sys.argv[1]), sys.argv[2], time.monotonic() + 1.5, 0
while time.monotonic() < end or round < 5:
    text = f"{me} {round}."
    passage = Passage(id=text, text=text, document="a.md", span=Span(0, len(text), 1, 1), version=version(text))
    store.save(Kept(recipe={}, entries={"a.md": Entry(me, (passage,))}))
    superseded(f"{me} {round - 1}.")
    round += 1
print(round)
"""

READER = """
import sys, time
from modelhub.retrieval.store import Store

store, end, opened = Store(sys.argv[1]), time.monotonic() + 1.5, 0
while time.monotonic() < end or opened < 5:
    kept, reason = store.open()
    assert not reason, reason
    opened += kept is not None
"""


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_processes_that_share_a_store_never_find_it_damaged_and_never_fail_to_keep_it(tmp_path: Path) -> None:
    """AT-P7: three processes write, each tidying up after the others, and two read."""
    scripts = [(WRITER, "first"), (WRITER, "second"), (WRITER, "third"), (READER, ""), (READER, "")]
    commands = [[sys.executable, "-c", script, str(tmp_path), name] for script, name in scripts]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8") for command in commands]
    told = [process.communicate(timeout=30) for process in processes]
    assert [errors for _, errors in told] == [""] * 5
    saved = sum(int(rounds) for rounds, _ in told if rounds)
    assert len(list(tmp_path.iterdir())) < saved, "nothing was tidied"
