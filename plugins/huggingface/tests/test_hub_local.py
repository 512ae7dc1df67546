"""The models in the hub's cache on this machine are cards, without loading one: in lists, in searches, described."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hub_cache import SHA, fetched, safetensors
from hub_room import asker, both_manners, config
from hub_shelf import BART, TOHOKU
from modelhub_huggingface.hub.describe import describe
from modelhub_huggingface.hub.local import local
from modelhub_huggingface.options import HuggingFaceOptions

import modelhub
from modelhub.plugin import ModelCard, Query, UnknownModel, drive
from modelhub.testing import FakeRuntime

NOWHERE = "http://127.0.0.1:9"
BERT_CONFIG = {"architectures": ["BertModel"], "model_type": "bert", "max_position_embeddings": 512}
WEIGHTS = safetensors({"a": ("F32", (100, 10)), "b": ("F32", (24,))})


@pytest.fixture
def cache(home: Path) -> Path:
    return home / "huggingface" / "hub"


def summariser(cache: Path, **changes: Any) -> Path:
    files = {"config.json": BART.files["config.json"], "README.md": BART.readme, "model.safetensors": WEIGHTS, **changes}
    return fetched(cache, BART.id, {name: said for name, said in files.items() if said is not None})


def test_a_fetched_model_is_a_card_of_what_its_files_say(cache: Path) -> None:
    snapshot = summariser(cache)
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert (card.model, card.kind, card.family) == ("huggingface:facebook/bart-large-cnn", "text", "encoder-decoder")
    assert (card.architecture, card.parameters, card.quantization) == ("bart", 1024, "F32")
    assert (card.file, card.file_bytes, card.revision) == (str(snapshot), len(WEIGHTS), SHA)
    assert (card.licence, card.languages, card.datasets) == ("mit", ("en",), ("cnn_dailymail",))
    assert (card.context_window, card.local, card.data) == (1024, True, "this machine")
    assert card.memory_bytes is not None
    assert card.memory_bytes > 4096
    assert [metric.name for metric in card.metrics] == ["ROUGE-1", "ROUGE-2"]
    assert card.title.startswith("BART (large-sized model)")


def test_a_japanese_readme_is_read_of_a_file_too(cache: Path) -> None:
    files = {"config.json": TOHOKU.files["config.json"], "README.md": TOHOKU.readme, "model.safetensors": WEIGHTS}
    fetched(cache, TOHOKU.id, files)
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert card.title == "東北大学の日本語BERT(単語分割)"
    assert card.languages == ("ja",)


def test_a_model_that_would_be_asked_elsewhere_says_so_though_its_files_lie_here(cache: Path) -> None:
    summariser(cache)
    (card,) = local(HuggingFaceOptions())
    assert (card.local, card.data) == (False, "router.huggingface.co, then the provider that it chooses")
    assert 'Its files lie on this machine: engine = "local" would run it here.' in card.description


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ({"model.safetensors": WEIGHTS[:-1]}, "its end is missing"),
        ({"model.safetensors": b"\xff" * 99}, "no whole safetensors file"),
        ({"model.safetensors": None}, "holds no weights"),
        ({"config.json": "{"}, "config.json cannot be read"),
        ({"config.json": "[]"}, "holds no table"),
        ({"config.json": None}, "has no config.json"),
    ],
)
def test_a_broken_one_is_a_card_that_says_why(cache: Path, damage: dict[str, Any], why: str) -> None:
    snapshot = summariser(cache, **damage)
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert why in card.description
    assert (card.file, card.file_bytes, card.local) == (str(snapshot), None, True)


def test_a_broken_one_does_not_hide_the_others(cache: Path) -> None:
    summariser(cache, **{"model.safetensors": b""})
    fetched(cache, TOHOKU.id, {"config.json": TOHOKU.files["config.json"], "model.safetensors": WEIGHTS})
    fetched(cache, "refs/alone", {})
    (cache / "datasets--some--data" / "snapshots" / SHA).mkdir(parents=True)
    (cache / "models--never--fetched" / "refs").mkdir(parents=True)
    (cache / "version.txt").write_text("1", encoding="utf-8")
    assert [card.model for card in local(HuggingFaceOptions(engine="local")) if card.file_bytes is not None] == [
        "huggingface:tohoku-nlp/bert-base-japanese-v3"
    ]


def test_a_repository_of_gguf_files_says_who_runs_them(cache: Path) -> None:
    snapshot = fetched(cache, "bartowski/Qwen2.5-7B-Instruct-GGUF", {"Qwen2.5-7B-Instruct-Q4_K_M.gguf": b"GGUF"})
    (card,) = local(None)
    assert card.description == (
        f"Its weights are GGUF, which another plugin runs: llama:{snapshot / 'Qwen2.5-7B-Instruct-Q4_K_M.gguf'}"
    )


def test_a_model_of_which_only_another_revision_lies_here_says_which(cache: Path) -> None:
    fetched(cache, BART.id, {"config.json": BART.files["config.json"], "model.safetensors": WEIGHTS}, ref="v2")
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert card.description == f"Only other revisions of it lie here ({SHA}): set revision to one of them."
    (card,) = local(HuggingFaceOptions(engine="local", revision=SHA))
    assert card.parameters == 1024


def test_no_cache_is_no_model(home: Path) -> None:
    assert list(local(None)) == []
    assert list(local(HuggingFaceOptions(cache=str(home / "nothing")))) == []


def test_the_cache_is_where_the_options_and_the_environment_say(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in (("one", "a/one"), ("two", "a/two")):
        fetched(home / place, name, {"config.json": BART.files["config.json"], "model.safetensors": WEIGHTS})
    monkeypatch.setenv("HF_HUB_CACHE", str(home / "one"))
    assert [card.model for card in local(None)] == ["huggingface:a/one"]
    assert [card.model for card in local(HuggingFaceOptions(cache=str(home / "two")))] == ["huggingface:a/two"]


def test_neither_a_card_nor_a_list_loads_what_computes(cache: Path) -> None:
    import subprocess

    summariser(cache)
    code = (
        "import sys; from modelhub_huggingface.hub.local import local; cards = list(local(None)); assert len(cards) == 1\n"
        "print(sorted({'torch', 'transformers', 'diffusers', 'numpy', 'huggingface_hub'} & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert told.stdout.strip() == "[]"


@both_manners
def test_a_local_model_is_described_without_a_hub(cache: Path, manner: str) -> None:
    summariser(cache)
    with asker(manner, NOWHERE, engine="local") as room:
        card = room.card("huggingface:facebook/bart-large-cnn")
        assert (card.file_bytes, card.licence, card.local, card.revision) == (len(WEIGHTS), "mit", True, SHA)
        with pytest.raises(UnknownModel, match=r"some/other does not lie on this machine\. Fetch it"):
            room.card("huggingface:some/other")


def test_a_folder_is_described_by_its_path(cache: Path) -> None:
    snapshot = summariser(cache)
    card: ModelCard = drive(describe(str(snapshot), None, FakeRuntime()))
    assert (card.model, card.task, card.licence, card.local) == (f"huggingface:{snapshot}", "text2text-generation", "mit", True)
    with pytest.raises(UnknownModel, match="There is no folder"):
        drive(describe("./nothing", None, FakeRuntime()))


def test_a_revision_is_the_one_that_is_meant(cache: Path) -> None:
    summariser(cache)
    other = "f" * 40
    fetched(cache, BART.id, {"config.json": BART.files["config.json"], "model.safetensors": WEIGHTS}, sha=other, ref="v2")
    for revision, commit in ((None, SHA), ("v2", other), (other, other)):
        options = HuggingFaceOptions(engine="local", revision=revision)
        assert drive(describe(BART.id, options, FakeRuntime())).revision == commit


@both_manners
def test_offline_the_cache_is_searched_and_described(cache: Path, manner: str) -> None:
    summariser(cache)
    fetched(cache, TOHOKU.id, {**TOHOKU.files, "README.md": TOHOKU.readme, "model.safetensors": WEIGHTS})
    summariser(cache / "elsewhere")
    with asker(manner, NOWHERE, offline=True, engine="local") as room:
        assert sorted(room.names()) == [BART.id, TOHOKU.id]
        assert room.names(language="ja") == [TOHOKU.id]
        assert room.names(search="日本語の文章") == [TOHOKU.id]
        assert room.names(licence="mit", local=True) == [BART.id]
        assert room.names(family="decoder") == []
    with asker(manner, NOWHERE, offline=True) as room:
        assert room.card(f"huggingface:{BART.id}").file_bytes == len(WEIGHTS)


def test_every_table_of_the_configuration_lists_its_own(cache: Path) -> None:
    summariser(cache)
    settings = config(NOWHERE)
    settings["providers"]["mine"] = {"uses": "huggingface", "engine": "local"}
    with modelhub.Hub(settings) as hub:
        names = {card.model: card.local for card in hub.models(Query(search="bart-large"))}
        assert names == {f"huggingface:{BART.id}": False, f"mine:{BART.id}": True}
        assert [card.model for card in hub.models(Query(local=True, search="bart-large"))] == [f"mine:{BART.id}"]


def test_a_model_of_sentences_says_what_it_takes_and_gives(cache: Path) -> None:
    files = {
        "config.json": {**BERT_CONFIG, "hidden_size": 384},
        "modules.json": "[]",
        "sentence_bert_config.json": {"max_seq_length": 128},
        "model.safetensors": WEIGHTS,
    }
    fetched(cache, "sentence-transformers/all-MiniLM-L12-v2", files)
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert (card.kind, card.library, card.dimensions, card.context_window) == ("embedding", "sentence-transformers", 384, 128)


def test_a_pipeline_that_paints_is_an_image_model(cache: Path) -> None:
    parts = {"unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
    files = {
        "model_index.json": {"_class_name": "StableDiffusionPipeline", **parts},
        "unet/diffusion_pytorch_model.safetensors": WEIGHTS,
        "vae/diffusion_pytorch_model.safetensors": WEIGHTS,
    }
    fetched(cache, "tiny/painter", files)
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert (card.kind, card.family, card.library, card.outputs) == ("image", "diffusion", "diffusers", ("image",))
    assert (card.parameters, card.file_bytes) == (2048, 2 * len(WEIGHTS))
