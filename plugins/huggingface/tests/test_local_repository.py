"""Of all the files that repositories have, those are chosen that a model needs here."""

from __future__ import annotations

import pytest
from modelhub_huggingface.local.repository import needed
from modelhub_huggingface.options import HuggingFaceOptions

from modelhub.plugin import SetupError

USUAL = HuggingFaceOptions()
FP16 = HuggingFaceOptions(dtype="float16")
PICKLED = HuggingFaceOptions(pickled_weights=True)
SPLIT = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
DESCRIBED = ["chat_template.jinja", "model.safetensors", "LICENSE", "README.md"]
OTHERS = ["tf_model.h5", "flax_model.msgpack", "rust_model.ot", "model.onnx", "onnx/model.onnx", "onnx/config.json"]
UNET = [f"unet/diffusion_pytorch_model{mark}.safetensors" for mark in ("", ".fp16", ".non_ema")]
VAE = [f"vae/diffusion_pytorch_model{mark}.safetensors" for mark in ("", ".fp16")]
PIPELINE = ["model_index.json", "sd-v1-5.safetensors", "unet/config.json", *UNET, "unet/diffusion_pytorch_model.bin", *VAE]


@pytest.mark.parametrize(("files", "options", "kept"), [
    (["config.json", "model.safetensors", "model.fp16.safetensors"], USUAL, ["config.json", "model.safetensors"]),
    (["config.json", "model.safetensors", "model.fp16.safetensors"], FP16, ["config.json", "model.fp16.safetensors"]),
    (["model.fp16-00001-of-00002.safetensors", "model.fp16-00002-of-00002.safetensors"], USUAL, None),
    (SPLIT, USUAL, None),
    (["consolidated.safetensors", "model.safetensors", "tokenizer.model"], USUAL, ["model.safetensors", "tokenizer.model"]),
    (["model.safetensors", "original/consolidated.00.pth", "original/params.json"], USUAL, ["model.safetensors"]),
    (["1_Pooling/config.json", "model.safetensors", "modules.json", "vocab.txt", "merges.txt"], USUAL, None),
    (["model.safetensors", "pytorch_model.bin", *OTHERS], USUAL, ["model.safetensors"]),
    (["model.safetensors", "pytorch_model.bin"], PICKLED, ["model.safetensors"]),
    (["pytorch_model.bin", "training_args.bin", "optimizer.bin"], PICKLED, ["pytorch_model.bin"]),
    ([*DESCRIBED, "図.png", "modeling_own.py", ".gitattributes", "run.sh", "notes.md"], USUAL, DESCRIBED),
    (PIPELINE, USUAL, ["model_index.json", "unet/config.json", UNET[0], VAE[0]]),
    (PIPELINE, FP16, ["model_index.json", "unet/config.json", UNET[1], VAE[1]]),
])  # fmt: skip
def test_of_all_files_those_are_needed(files: list[str], options: HuggingFaceOptions, kept: list[str] | None) -> None:
    assert needed(files, options) == (files if kept is None else kept)


def test_a_password_in_the_hubs_address_is_not_shown() -> None:
    with pytest.raises(SetupError, match="plugin llama runs") as caught:
        needed(["model-q4.gguf"], HuggingFaceOptions(hub_url="https://me:secret@hub.example"))
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(("files", "said"), [
    (["config.json", "model-q4.gguf"], "plugin llama runs"),
    (["config.json"], "holds no weights"),
    (["config.json", "pytorch_model.bin"], "pickled_weights = true"),
    (["model_index.json", "unet/a.safetensors", "safety_checker/pytorch_model.bin"], "in safety_checker"),
])  # fmt: skip
def test_where_nothing_may_be_loaded_nothing_is_fetched(files: list[str], said: str) -> None:
    with pytest.raises(SetupError, match=said):
        needed(files, USUAL)
