"""From ``llama:NAME`` to a file: a path, an imported model, a file in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from modelhub_llama.gguf.finding import find
from modelhub_llama.options import LlamaOptions

from modelhub.catalog.store import Store, cache_folder
from modelhub.plugin import UnknownModel


@pytest.fixture
def here(tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> LlamaOptions:
    monkeypatch.setenv("MODELHUB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "models"
    folder.mkdir()
    for name in (
        "Qwen-7B-Q4_K_M.gguf",
        "日本語.GGUF",
        "big-00001-of-00002.gguf",
        "big-00002-of-00002.gguf",
        "mmproj-Qwen.gguf",
    ):
        (folder / name).write_bytes(Path(tiny).read_bytes())
    return LlamaOptions(config_folder=str(tmp_path))


def test_a_path_is_relative_to_the_configuration(here: LlamaOptions) -> None:
    expected = os.path.join(here.config_folder, "models", "Qwen-7B-Q4_K_M.gguf")
    assert find("models/Qwen-7B-Q4_K_M.gguf", here) == expected
    assert find(expected, here) == expected


def test_any_file_of_a_model_stands_for_its_first(here: LlamaOptions) -> None:
    assert find("models/big-00002-of-00002.gguf", here).endswith("big-00001-of-00002.gguf")


@pytest.mark.parametrize(
    ("name", "file"),
    [("qwen-7b-q4_k_m", "Qwen-7B-Q4_K_M.gguf"), ("日本語", "日本語.GGUF"), ("BIG", "big-00001-of-00002.gguf")],
)
def test_a_file_in_a_folder_is_found_in_any_case(here: LlamaOptions, name: str, file: str) -> None:
    assert os.path.basename(find(name, here)) == file


def test_an_imported_model_comes_before_a_folder(here: LlamaOptions, tiny: str) -> None:
    model, _ = Store(cache_folder()).add([tiny], name="qwen-7B-q4_k_m")
    assert find("Qwen-7B-Q4_K_M", here) == model.paths[0]
    Store(cache_folder()).remove("QWEN-7b-q4_k_m")
    assert find("Qwen-7B-Q4_K_M", here) != model.paths[0]


def test_a_wrong_name_says_what_is_near_and_where_it_looked(here: LlamaOptions) -> None:
    with pytest.raises(UnknownModel, match="Did you mean 'Qwen-7B-Q4_K_M'") as raised:
        find("Qwen-7B-Q4_K_S", here)
    assert os.path.join(here.config_folder, "models") in raised.value.message
    assert (raised.value.model, raised.value.provider, raised.value.status) == ("Qwen-7B-Q4_K_S", "llama", None)
    with pytest.raises(UnknownModel, match="There are: Qwen-7B-Q4_K_M, big, 日本語"):
        find("zzz", here)
    with pytest.raises(UnknownModel, match=r"There is no file .*Did you mean 'Qwen-7B-Q4_K_M\.gguf'"):
        find("models/Qwen-7B-Q4_K_S.gguf", here)
    with pytest.raises(UnknownModel):
        find("mmproj-Qwen", here)
