"""Cards of GGUF files: what each says of itself, what it needs, and nothing that is not known."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from gguf_bytes import ARRAY, STRING, array, header, pair, tensor
from modelhub_llama.gguf.cards import card, inspect, local
from modelhub_llama.gguf.faults import GgufError
from modelhub_llama.gguf.header import read
from modelhub_llama.gguf.memory import needs
from modelhub_llama.options import LlamaOptions
from tiny_gguf import write

from modelhub.plugin import ModelCard


def made(folder: Path, architecture: str, name: str = "m.gguf", **more: Any) -> ModelCard:
    texts = {"general.architecture": architecture, **more.pop("texts", {})}
    file = folder / name
    file.write_bytes(header(*more.pop("pairs", ()), texts=texts, **more))
    return inspect(str(file))


def test_a_real_file_has_a_card(tiny: str) -> None:
    found = inspect(tiny)
    assert (found.model, found.kind, found.title, found.local) == ("llama:tiny", "text", "tiny", True)
    assert (found.architecture, found.quantization, found.context_window) == ("llama", "F32", 512)
    assert found.parameters == read(tiny).parameters
    assert found.file_bytes == Path(tiny).stat().st_size
    assert found.memory_bytes is not None
    assert found.memory_bytes > found.file_bytes
    assert found.supports("chat") is True
    assert (found.supports("tools"), found.supports("images"), found.licence, found.languages) == (None, None, None, ())


@pytest.mark.parametrize(
    ("architecture", "family", "task"),
    [
        ("qwen2", "decoder", "text-generation"),
        ("bert", "encoder", "feature-extraction"),
        ("gemma-embedding", "encoder", "feature-extraction"),
        ("t5", "encoder-decoder", "text2text-generation"),
        ("mamba", None, "text-generation"),
    ],
)
def test_a_file_says_on_which_axes_its_model_stands(tmp_path: Path, architecture: str, family: str | None, task: str) -> None:
    datasets = pair("general.datasets", ARRAY, array(STRING, ["xsum", "日本語"]))
    base = {"general.base_model.0.repo_url": "https://hub.example/org/base", "general.base_model.1.name": "Other"}
    more = {"general.repo_url": "https://hub.example/org/model", **base}
    numbers = {"general.base_model.count": 2}
    found = made(tmp_path, architecture, pairs=[datasets], texts=more, numbers=numbers)
    assert (found.family, found.task, found.open_weights, found.data) == (family, task, True, "this machine")
    assert (found.library, found.url) == ("gguf", "https://hub.example/org/model")
    assert (found.base_model, found.datasets) == (("org/base", "Other"), ("xsum", "日本語"))


def test_licence_and_languages_are_told_as_the_file_has_them(tmp_path: Path) -> None:
    languages = pair("general.languages", ARRAY, array(STRING, ["ja", "en"]))
    found = made(tmp_path, "qwen2", pairs=[languages], texts={"general.license": "apache-2.0"})
    assert (found.licence, found.languages) == ("apache-2.0", ("ja", "en"))
    other = made(tmp_path, "llama", texts={"general.license": "other", "general.license.name": "llama3.1"})
    assert other.licence == "llama3.1"


def test_a_template_says_whether_a_model_talks_and_was_taught_tools(tmp_path: Path) -> None:
    tools = {"tokenizer.chat_template": "{% if tools %}{{ tools | tojson }}{% endif %}{{ messages }}"}
    assert made(tmp_path, "llama", texts=tools).capabilities == {"chat": True, "tools": True}
    assert made(tmp_path, "llama", texts={"tokenizer.chat_template": "{{ messages }} toolset"}).capabilities == {"chat": True}
    assert made(tmp_path, "llama").capabilities == {"chat": False}


def test_a_projector_lets_a_model_see(tiny: str) -> None:
    assert card(tiny, "tiny", LlamaOptions(projector="mmproj.gguf")).supports("images") is True


@pytest.mark.parametrize(
    "architecture", ["bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "modern-bert", "gemma-embedding"]
)
def test_encoders_make_vectors(tmp_path: Path, architecture: str) -> None:
    found = made(tmp_path, architecture, numbers={f"{architecture}.embedding_length": 384})
    assert (found.kind, found.dimensions, dict(found.capabilities)) == ("embedding", 384, {})


@pytest.mark.parametrize(
    ("pooling", "kind"), [(0, "text"), (1, "embedding"), (2, "embedding"), (3, "embedding"), (4, "reranking")]
)
def test_pooling_says_what_a_decoder_is_for(tmp_path: Path, pooling: int, kind: str) -> None:
    assert made(tmp_path, "qwen2", numbers={"qwen2.pooling_type": pooling}).kind == kind


def test_a_classifier_puts_documents_in_order(tmp_path: Path) -> None:
    raw = header(texts={"general.architecture": "bert"}, tensors=[tensor("cls.output.weight", (4, 1))])
    (tmp_path / "r.gguf").write_bytes(raw + b"\0" * 128)
    assert inspect(str(tmp_path / "r.gguf")).kind == "reranking"


@pytest.mark.parametrize(
    ("number", "name"), [(0, "F32"), (1, "F16"), (2, "Q4_0"), (7, "Q8_0"), (15, "Q4_K_M"), (18, "Q6_K"), (1024 + 15, "Q4_K_M")]
)
def test_the_file_says_how_its_weights_are_stored(tmp_path: Path, number: int, name: str) -> None:
    assert made(tmp_path, "llama", numbers={"general.file_type": number}).quantization == name


def test_where_it_does_not_say_it_is_how_most_of_them_are(tmp_path: Path) -> None:
    lines = [tensor("norm.weight", (256,), 0), tensor("a.weight", (256, 64), 12, 1024)]
    raw = header(texts={"general.architecture": "llama"}, tensors=lines)
    (tmp_path / "m.gguf").write_bytes(raw + b"\0" * (1024 + 64 * 144 + 32))
    found = inspect(str(tmp_path / "m.gguf"))
    assert (found.quantization, found.parameters) == ("Q4_K", 256 + 256 * 64)
    assert made(tmp_path, "llama").quantization is None


def test_a_download_that_stopped_half_way_is_told(tiny: str, tmp_path: Path) -> None:
    raw = Path(tiny).read_bytes()
    (tmp_path / "half.gguf").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(GgufError, match="half-way") as raised:
        inspect(str(tmp_path / "half.gguf"))
    assert raised.value.reason == "truncated"


def test_what_belongs_to_a_model_is_no_model(tmp_path: Path) -> None:
    for role, told in (("adapter", "adapters = "), ("mmproj", "projector = "), ("imatrix", "quantising")):
        with pytest.raises(GgufError, match=told) as raised:
            made(tmp_path, "llama", texts={"general.type": role})
        assert raised.value.reason == "no-model"
    with pytest.raises(GgufError, match="projector = "):
        made(tmp_path, "clip")


def test_all_files_of_a_model_are_counted_together(tiny: str, tmp_path: Path) -> None:
    whole = Path(tiny).read_bytes()
    for number in (1, 2, 3):
        (tmp_path / f"big-{number:05d}-of-00003.gguf").write_bytes(whole)
    one, all_three = inspect(tiny), inspect(str(tmp_path / "big-00002-of-00003.gguf"))
    assert all_three.model == "llama:big"
    assert all_three.file is not None
    assert all_three.file.endswith("big-00001-of-00003.gguf")
    assert one.parameters is not None
    assert all_three.parameters == 3 * one.parameters
    assert all_three.file_bytes == 3 * len(whole)
    (tmp_path / "big-00003-of-00003.gguf").unlink()
    with pytest.raises(GgufError, match="big-00003-of-00003") as raised:
        inspect(str(tmp_path / "big-00001-of-00003.gguf"))
    assert raised.value.reason == "missing"


def test_a_folder_is_listed_with_the_reason_for_what_cannot_be_used(
    tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "models" / "深い"
    folder.mkdir(parents=True)
    for name in ("tiny.gguf", "mmproj-tiny.gguf", "tiny-mmproj-f16.gguf", "mtp-tiny.gguf", "a-00002-of-00002.gguf"):
        (folder / name).write_bytes(Path(tiny).read_bytes())
    (folder / "page.gguf").write_text("<!doctype html>", encoding="utf-8")
    (folder / "notes.txt").write_text("メモ", encoding="utf-8")
    cards = {found.model: found for found in local(LlamaOptions(config_folder=str(tmp_path)))}
    assert sorted(cards) == ["llama:page", "llama:tiny"]
    assert "web page" in cards["llama:page"].description
    assert cards["llama:page"].file_bytes is None
    assert local(LlamaOptions(base_url="http://localhost:1/v1")) == ()


def test_memory_grows_with_the_window_and_shrinks_with_the_cache_type(tmp_path: Path) -> None:
    head = read(write(tmp_path / "wide.gguf", context=4096))
    layers, width = 2, 64
    for window in (256, 512, 4096):
        for parallel in (1, 2):
            need = needs(head, LlamaOptions(context_window=window, parallel=parallel))
            assert need.cache == window * parallel * layers * 2 * width * 2  # keys and values, two bytes a number
            assert need.total > need.weights + need.cache
    small = needs(head, LlamaOptions(context_window=4096, cache_type_k="q8_0", cache_type_v="q8_0"))
    assert small.cache < 0.55 * needs(head, LlamaOptions(context_window=4096)).cache


def test_heads_that_share_keys_and_layers_that_differ_are_counted_as_they_are(tmp_path: Path) -> None:
    numbers = {"x.block_count": 3, "x.embedding_length": 512, "x.attention.head_count": 8, "x.attention.key_length": 128}
    numbers |= {"x.attention.value_length": 64}
    kv = pair("x.attention.head_count_kv", ARRAY, array(4, [2, 0, 4]))
    (tmp_path / "m.gguf").write_bytes(header(kv, texts={"general.architecture": "x"}, numbers=numbers))
    need = needs(read(tmp_path / "m.gguf"), LlamaOptions(context_window=1024, parallel=1))
    assert need.cache == 1024 * (2 + 4) * (128 + 64) * 2


def test_a_header_full_of_nonsense_needs_no_negative_memory(tmp_path: Path) -> None:
    kv = pair("x.attention.head_count_kv", ARRAY, array(5, [-4, -1]))
    blocks = pair("x.block_count", 10, struct.pack("<Q", 1 << 63))
    (tmp_path / "m.gguf").write_bytes(header(kv, blocks, texts={"general.architecture": "x"}))
    assert needs(read(tmp_path / "m.gguf"), LlamaOptions()).total > 0


def test_the_same_seed_writes_the_same_model(tmp_path: Path) -> None:
    one, other = (Path(write(tmp_path / name, metadata={"general.license": "mit"})) for name in ("a.gguf", "b.gguf"))
    assert one.read_bytes() == other.read_bytes()
    assert inspect(str(one)).licence == "mit"
