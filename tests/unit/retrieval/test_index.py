from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelhub.config.specs import ChunkSpec, IndexSpec, SearchSpec
from modelhub.errors import AnswerError, ConfigError, InvalidRequest, PluginMissing
from modelhub.retrieval.documents import Document
from modelhub.retrieval.index import Index
from modelhub.retrieval.lexical import Bm25
from modelhub.retrieval.store import Store
from modelhub.testing.fake import FakeRuntime

FILES = {
    "docs/keys.md": "# Keys\n\n## Rotation\n\nRotate every key once a month.\n\n## Loss\n\nTell the office of a lost key.\n",
    "docs/鍵.md": "# 鍵の管理\n\n鍵は毎月更新します。\n\n来客は一階の受付で迎えます。\n",
    "docs/costs.html": "<title>Costs</title><h1>Prices</h1><p>A lantern costs nine dollars.</p>",
    "docs/notes.txt": "The lantern is waterproof.\n",
    "docs/empty.md": "\n \n",
    "docs/logo.png": "not a text",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8", newline="")


def spec(**changes: Any) -> IndexSpec:
    return IndexSpec(**{"sources": ("docs",), "chunk": ChunkSpec(tokens=32), **changes})


def test_an_index_is_built_when_it_is_first_searched(folder: Path, run: Any) -> None:
    index = Index("handbook", spec(), str(folder))
    (hit, *_) = run(index.search("How often do I rotate a key?", FakeRuntime()))
    assert (hit.document, hit.heading) == ("docs/keys.md", "Keys > Rotation")
    assert hit.text == "# Keys\n\n## Rotation\n\nRotate every key once a month."
    assert (hit.span.first_line, hit.span.last_line) == (1, 5)


@pytest.mark.parametrize("mode", ["bm25", "vector", "hybrid"])
def test_every_hit_is_exactly_the_documents_text_at_its_span(folder: Path, run: Any, embedder: Any, mode: Any) -> None:
    """AT-P6: text[range] == passage, with the version of that text."""
    index = Index("handbook", spec(), str(folder), embedder)
    hits = run(index.search("来客の受付と lantern の key", FakeRuntime(), top_k=20, mode=mode))
    assert len({hit.document for hit in hits}) >= 3
    for hit in hits:
        if not hit.document.endswith(".html"):
            document = Document(hit.document, (folder / hit.document).read_text(encoding="utf-8"))
            assert document.text[hit.span.start : hit.span.end] == hit.text
            assert hit.version == document.version
            assert document.text.splitlines()[hit.span.first_line - 1] in hit.text


def test_a_japanese_question_finds_the_japanese_document(folder: Path, run: Any) -> None:
    index = Index("handbook", spec(), str(folder))
    (hit, *_) = run(index.search("来客はどこで迎えますか", FakeRuntime()))
    assert "一階の受付" in hit.text


def test_a_passage_that_shares_nothing_with_the_question_is_never_found(folder: Path, run: Any) -> None:
    """AT-P2: zero-score documents are never returned."""
    index = Index("handbook", spec(), str(folder))
    assert run(index.search("xylophone quartz", FakeRuntime(), top_k=50)) == ()
    assert run(index.search("   ", FakeRuntime())) == ()


def test_titles_help_to_find_what_stands_beneath_them(folder: Path, run: Any) -> None:
    write(folder, "docs/long.md", "# Zeppelin\n\n" + "It floats on air. " * 20 + "\n\nLanding takes an hour.\n")
    hits = run(Index("handbook", spec(), str(folder)).search("zeppelin landing", FakeRuntime(), top_k=20))
    assert "Landing takes an hour." in hits[0].text
    assert hits[0].heading == "Zeppelin"
    assert "Zeppelin" not in hits[0].text


def test_the_report_says_what_was_done(folder: Path, run: Any) -> None:
    report = run(Index("handbook", spec(), str(folder)).prepare(FakeRuntime()))
    assert report.added == ("docs/costs.html", "docs/keys.md", "docs/notes.txt", "docs/鍵.md")
    assert report.documents == 4
    assert report.passages >= 4
    assert {skipped.document: skipped.reason for skipped in report.skipped}.keys() == {"docs/empty.md", "docs/logo.png"}
    assert "png" in report.skipped[1].reason


@pytest.mark.parametrize("source", ["docs/logo.png", "./docs/logo.png"])
def test_a_file_that_is_named_must_be_readable(folder: Path, run: Any, source: str) -> None:
    with pytest.raises(
        PluginMissing, match=r"^docs/logo\.png: there is no loader for \.png files here\. Leave the file out"
    ) as caught:
        run(Index("handbook", spec(sources=(source,)), str(folder)).prepare(FakeRuntime()))
    assert "pip install" not in caught.value.message


@pytest.mark.parametrize(
    "data", ["表示".encode("cp932"), "表示".encode("utf-16"), "signs".encode("utf-16-le"), bytes(range(256))]
)
def test_a_file_that_is_no_text_stops_no_question(folder: Path, run: Any, data: bytes) -> None:
    (folder / "docs/old.md").write_bytes(data)
    index = Index("handbook", spec(sources=("docs/*.md",)), str(folder))
    assert [skipped.document for skipped in run(index.prepare(FakeRuntime())).skipped] == ["docs/empty.md", "docs/old.md"]
    assert run(index.search("How often do I rotate a key?", FakeRuntime()))[0].document == "docs/keys.md"


@pytest.mark.parametrize("changes", [{"sources": ()}, {"sources": ("docs", "")}, {"store": ""}, {"store": "."}])
def test_an_empty_setting_is_refused_at_once(folder: Path, changes: Any) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(ConfigError):
        Index("handbook", spec(**changes), str(folder))
    assert sorted(folder.rglob("*")) == before


def test_a_file_in_another_encoding_is_skipped_and_told_and_refused_where_it_is_named(folder: Path, run: Any) -> None:
    (folder / "docs/old.txt").write_bytes("表示".encode("cp932"))
    report = run(Index("handbook", spec(), str(folder)).prepare(FakeRuntime()))
    reasons = {skipped.document: skipped.reason for skipped in report.skipped}
    assert "docs/old.txt:1: not UTF-8" in reasons["docs/old.txt"]
    with pytest.raises(InvalidRequest, match=r"docs/old\.txt:1: not UTF-8"):
        run(Index("handbook", spec(sources=("docs/old.txt",)), str(folder)).prepare(FakeRuntime()))


def test_a_second_look_does_nothing_again(folder: Path, run: Any, embedder: Any) -> None:
    """AT-P4: the second sync makes 0 embedding calls and 0 writes."""
    kept = spec(store="kept")
    first = run(Index("handbook", kept, str(folder), embedder).prepare(FakeRuntime()))
    assert first.embedded == first.passages
    asked, manifest = len(embedder.asked), (folder / "kept/manifest.json").stat().st_mtime_ns
    again = run(Index("handbook", kept, str(folder), embedder).prepare(FakeRuntime()))
    assert (again.added, again.changed, again.embedded, again.rebuilt) == ((), (), 0, "")
    assert (len(embedder.asked), (folder / "kept/manifest.json").stat().st_mtime_ns) == (asked, manifest)


def test_the_words_of_an_unchanged_index_are_read_and_not_made_again(folder: Path, run: Any) -> None:
    index = Index("handbook", spec(store="kept"), str(folder))
    count = run(index.prepare(FakeRuntime())).passages
    store = Store(str(folder / "kept"))
    kept, _ = store.open()
    assert kept is not None
    store.save(replace(kept, words=Bm25.build(["griffin"] * count)))
    again = Index("handbook", spec(store="kept"), str(folder))
    assert len(run(again.search("griffin", FakeRuntime(), top_k=99))) == count
    write(folder, "docs/new.md", "Zebras are striped.\n")
    assert run(again.prepare(FakeRuntime())).added == ("docs/new.md",)
    assert run(again.search("griffin", FakeRuntime(), top_k=99)) == ()


@pytest.mark.parametrize("store", ["kept", None])
def test_only_what_changed_is_done_again(folder: Path, run: Any, embedder: Any, store: str | None) -> None:
    """AT-P4: after adding, editing, renaming and deleting, the index equals a fresh one."""
    index = Index("handbook", spec(store=store), str(folder), embedder)
    run(index.prepare(FakeRuntime()))
    embedder.asked.clear()
    write(folder, "docs/new.md", "Zebras are striped.\n")
    write(folder, "docs/keys.md", FILES["docs/keys.md"].replace("a month", "a week"))
    os.rename(folder / "docs/鍵.md", folder / "docs/鍵の管理.md")
    os.remove(folder / "docs/notes.txt")
    index = Index("handbook", spec(store=store), str(folder), embedder) if store else index
    report = run(index.prepare(FakeRuntime()))
    assert report.added == ("docs/new.md", "docs/鍵の管理.md")
    assert (report.changed, report.removed) == (("docs/keys.md",), ("docs/notes.txt", "docs/鍵.md"))
    assert report.unchanged == ("docs/costs.html",)
    assert [text.splitlines()[-1] for text in embedder.documents] == ["Rotate every key once a week.", "Zebras are striped."]
    fresh = Index("handbook", spec(), str(folder), embedder)
    for question in ("zebra key", "鍵の更新", "lantern"):
        for mode in ("bm25", "vector", "hybrid"):
            found = run(index.search(question, FakeRuntime(), top_k=50, mode=mode))
            assert found == run(fresh.search(question, FakeRuntime(), top_k=50, mode=mode))


def test_another_embedding_model_makes_every_vector_anew_and_says_so(
    folder: Path, run: Any, embedder_named: Callable[[str], Any]
) -> None:
    """AT-P3: vectors of two models are never mixed, whatever their length; both are named."""
    run(Index("handbook", spec(store="kept"), str(folder), embedder_named("test:old")).prepare(FakeRuntime()))
    other = embedder_named("test:new")
    report = run(Index("handbook", spec(store="kept"), str(folder), other).prepare(FakeRuntime()))
    assert report.rebuilt == "the embedding model was test:old and is test:new"
    assert report.embedded == report.passages == len(other.documents)


def test_passages_are_counted_by_the_embedding_models_own_counter(folder: Path, run: Any, embedder: Any) -> None:
    """AT-P1, AT-A4: no passage is longer than the model takes, and the report says who has counted."""
    write(folder, "docs/long.txt", "".join(f"東京は雨です。It rains, {number} times. " for number in range(200)))
    embedder.counter = lambda text: len(text) + 2
    embedder.limits = {"input_tokens": 40}
    report = run(Index("handbook", spec(chunk=ChunkSpec(tokens=256, overlap=8)), str(folder), embedder).prepare(FakeRuntime()))
    assert (report.chunk_tokens, report.counter) == (40, "exact")
    assert max(len(text) + 2 for text in embedder.documents) <= 40
    assert len(embedder.documents) > 100


def test_passages_are_counted_about_where_the_model_has_no_counter(folder: Path, run: Any, embedder: Any) -> None:
    """AT-A4."""
    report = run(Index("handbook", spec(), str(folder), embedder).prepare(FakeRuntime()))
    assert (report.chunk_tokens, report.counter) == (32, "approximate")


def test_another_counter_cuts_every_document_anew(folder: Path, run: Any, embedder: Any) -> None:
    run(Index("handbook", spec(store="kept"), str(folder), embedder).prepare(FakeRuntime()))
    embedder.counter = len
    report = run(Index("handbook", spec(store="kept"), str(folder), embedder).prepare(FakeRuntime()))
    assert report.rebuilt == "the documents are cut in another way"


def test_cutting_in_another_way_reads_every_document_anew_and_says_so(folder: Path, run: Any, embedder: Any) -> None:
    run(Index("handbook", spec(store="kept"), str(folder), embedder).prepare(FakeRuntime()))
    finer = Index("handbook", spec(store="kept", chunk=ChunkSpec(tokens=12)), str(folder), embedder)
    report = run(finer.prepare(FakeRuntime()))
    assert report.rebuilt == "the documents are cut in another way"
    assert report.unchanged == ("docs/costs.html", "docs/keys.md", "docs/notes.txt", "docs/鍵.md")
    hits = run(finer.search("rotate month", FakeRuntime(), mode="bm25"))
    assert max(len(hit.text) for hit in hits) < 60


def test_a_damaged_store_is_built_anew_and_the_reason_told(folder: Path, run: Any) -> None:
    run(Index("handbook", spec(store="kept"), str(folder)).prepare(FakeRuntime()))
    (path,) = (folder / "kept").glob("passages-*.jsonl")
    path.write_text("{", encoding="utf-8")
    index = Index("handbook", spec(store="kept"), str(folder))
    assert "damaged" in run(index.prepare(FakeRuntime())).rebuilt
    assert run(Index("handbook", spec(store="kept"), str(folder)).prepare(FakeRuntime())).rebuilt == ""


def test_a_store_among_the_sources_is_not_read_as_a_document(folder: Path, run: Any) -> None:
    kept = spec(sources=("**/*",), store="kept")
    first = run(Index("handbook", kept, str(folder)).prepare(FakeRuntime()))
    again = run(Index("handbook", kept, str(folder)).prepare(FakeRuntime()))
    assert again.unchanged == first.added
    assert again.added == ()


def test_texts_are_embedded_in_the_batches_that_the_model_takes(folder: Path, run: Any, embedder: Any) -> None:
    told: list[tuple[int, int, str]] = []
    index = Index("handbook", spec(chunk=ChunkSpec(tokens=10)), str(folder), embedder)
    report = run(index.prepare(FakeRuntime(), lambda done, total, what: told.append((done, total, what))))
    assert max(len(request.inputs) for request in embedder.asked) == 4
    assert {request.purpose for request in embedder.asked} == {"document"}
    assert told[-1] == (report.embedded, report.embedded, "embedding")
    assert (6, 6, "reading") in told
    run(index.search("key", FakeRuntime()))
    assert embedder.asked[-1].purpose == "query"


def test_without_a_mode_an_embedding_model_makes_the_search_hybrid(folder: Path, run: Any, embedder: Any) -> None:
    index = Index("handbook", spec(), str(folder), embedder)
    implicit = run(index.search("lantern price", FakeRuntime()))
    assert implicit == run(index.search("lantern price", FakeRuntime(), mode="hybrid"))
    assert implicit[0].score <= 2 / 61


def test_a_reranking_model_orders_four_times_as_many_candidates(folder: Path, run: Any, reranker: Any) -> None:
    index = Index("handbook", spec(chunk=ChunkSpec(tokens=10)), str(folder), None, reranker)
    wide = run(Index("handbook", index.spec, str(folder)).search("the key lantern office month", FakeRuntime(), top_k=8))
    hits = run(index.search("the key lantern office month", FakeRuntime(), top_k=2))
    (request,) = reranker.asked
    assert request.documents == tuple(hit.text for hit in wide)
    assert [hit.text for hit in hits] == sorted(request.documents, key=len)[:2]
    assert [hit.score for hit in hits] == [-len(hit.text) for hit in hits]


def test_an_embedding_model_that_loses_a_text_is_an_error(folder: Path, run: Any, embedder: Any) -> None:
    """AT-L: never an index whose vectors belong to other texts."""
    whole = embedder.call

    async def lossy(request: Any, runtime: Any) -> Any:
        return await whole(type(request)(inputs=request.inputs[:-1], purpose=request.purpose), runtime)

    embedder.call = lossy
    with pytest.raises(AnswerError, match="vectors for"):
        run(Index("handbook", spec(), str(folder), embedder).prepare(FakeRuntime()))


@pytest.mark.parametrize("mode", ["vector", "hybrid"])
def test_a_search_by_vectors_without_an_embedding_model_is_refused_at_once(folder: Path, mode: Any) -> None:
    with pytest.raises(ConfigError, match=r"\[indexes\.handbook\].* name an `embedding` model"):
        Index("handbook", spec(search=SearchSpec(mode=mode)), str(folder))


@pytest.mark.parametrize("wanted", [{"top_k": 0}, {"mode": "vector"}, {"mode": "fuzzy"}])
def test_a_search_that_cannot_be_is_refused(folder: Path, run: Any, wanted: Any) -> None:
    with pytest.raises(InvalidRequest):
        run(Index("handbook", spec(), str(folder)).search("key", FakeRuntime(), **wanted))


def test_megabytes_of_text_are_indexed_in_seconds(tmp_path: Path, run: Any) -> None:
    sentences = [f"Sentence {number} tells of topic{number % 5000} and of 東京都{number}。\n" for number in range(40_000)]
    write(tmp_path, "docs/big.txt", "".join(sentences))
    index = Index("big", spec(chunk=ChunkSpec(tokens=256)), str(tmp_path))
    hits = run(index.search("topic4321", FakeRuntime(), top_k=3))
    assert all("topic4321" in hit.text for hit in hits)
