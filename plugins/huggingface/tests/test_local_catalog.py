"""What real models of every family say of themselves, as the libraries save them: read by the catalog, without loading them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="pip install 'modelhub-huggingface[local]' pytest")
pytest.importorskip("transformers", reason="pip install 'modelhub-huggingface[local]' pytest")

from hub_cache import SHA
from modelhub_huggingface.hub.families import family_of
from modelhub_huggingface.hub.local import local
from modelhub_huggingface.options import HuggingFaceOptions

Tiny = Callable[..., str]


@pytest.mark.parametrize(
    ("kind", "family", "architecture", "task"),
    [
        ("gpt2", "decoder", "gpt2", "text-generation"),
        ("codeparrot", "decoder", "gpt2", "text-generation"),
        ("llama", "decoder", "llama", "text-generation"),
        ("bloom", "decoder", "bloom", "text-generation"),
        ("bart", "encoder-decoder", "bart", None),
        ("t5", "encoder-decoder", "t5", None),
        ("bert-gaps", "encoder", "bert", "fill-mask"),
        ("bert-classes", "encoder", "bert", "text-classification"),
        ("bert-entailment", "encoder", "bert", "zero-shot-classification"),
        ("bert-ranking", "encoder", "bert", "text-ranking"),
        ("bert", "encoder", "bert", "feature-extraction"),
    ],
)
def test_a_saved_model_is_a_card_of_its_family(
    home: Path, tiny: Tiny, kind: str, family: str, architecture: str, task: str | None
) -> None:
    cache = home / "huggingface" / "hub" / "models--tiny--one"
    shutil.copytree(tiny(kind), cache / "snapshots" / SHA)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(SHA, encoding="utf-8")
    (card,) = local(HuggingFaceOptions(engine="local"))
    assert (card.model, card.family, card.architecture, card.description) == ("huggingface:tiny/one", family, architecture, "")
    assert task in (None, card.task)
    assert card.parameters == parameters(tiny(kind))
    assert card.file_bytes == (Path(tiny(kind)) / "model.safetensors").stat().st_size


def parameters(folder: str) -> int:
    from safetensors import safe_open

    with safe_open(f"{folder}/model.safetensors", "pt") as file:
        return sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118  # it is no mapping


def test_the_families_are_those_of_the_library_that_has_the_networks() -> None:
    """Of every text network that transformers names; of what it adds later, most are told by their names."""
    from transformers.models.auto import modeling_auto

    decoders = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    gaps = modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    both = {name: cls for name, cls in modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.items() if "asr" not in name}
    wanted = {
        **dict.fromkeys(decoders, "decoder"),
        **dict.fromkeys(gaps, "encoder"),
        **{name: "encoder-decoder" for name in both if name in KNOWN},
    }
    classes = {**decoders, **gaps, **both}
    told = {name: family_of(name, str(classes[name])) for name in wanted}
    wrong = {name: family for name, family in told.items() if family != wanted[name]}
    assert len(wrong) < 0.05 * len(wanted), wrong


KNOWN = (
    "bart", "bigbird_pegasus", "blenderbot", "fsmt", "led", "longt5", "m2m_100", "marian", "mbart", "mt5", "mvp", "pegasus",
    "pegasus_x", "plbart", "prophetnet", "t5", "umt5",
)  # fmt: skip
