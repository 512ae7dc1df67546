"""Which files of a repository a model needs here: safe weights in one precision, what describes them, and no code."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator

from modelhub.plugin import SetupError, shown
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["needed"]

_DESCRIBING = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".spm", ".vocab", ".bpe")
_DOCUMENTS = ("readme.md", "license", "license.md", "license.txt", "notice", "notice.txt", "use_policy.md")
_OTHER_FORMS = ("onnx", "openvino", "coreml", "flax", "tf", "tensorflow", "original", "gguf", "exllama", "mlx")
"""Folders in which some repositories keep the same model for other libraries."""
_VARIANTS = re.compile(r"\.(fp16|bf16|fp32|fp8|non_ema|ema)(?=[.-])")
_PICKLED = re.compile(r"(?:diffusion_)?(?:pytorch_)?model(?:-\d+-of-\d+)?\.bin")


def needed(files: Collection[str], options: HuggingFaceOptions) -> list[str]:
    """The files, of all that a repository has, in their order.

    With ``dtype = "float16"`` those that are stored so, where there are such. Pickled weights are among them only where the
    options ask for that, and no safe ones are there. Raises ``SetupError`` where nothing is there that may be loaded.
    """
    usual = [file for file in files if _is_usual(file)]
    pipeline = "model_index.json" in files
    weights = [file for part in _parts(usual) for file in _weights(part, pipeline, options)]
    if not weights:
        raise SetupError(_nothing(files, options))
    kept = {*weights, *(file for file in usual if file.lower().endswith(_DESCRIBING) or _name(file).lower() in _DOCUMENTS)}
    return [file for file in files if file in kept]


def _is_usual(file: str) -> bool:
    folders = file.lower().split("/")[:-1]
    return not any(folder.startswith(".") or folder in _OTHER_FORMS for folder in folders) and not _name(file).startswith(".")


def _parts(files: Collection[str]) -> Iterator[list[str]]:
    """The files of each folder: of a pipeline, each holds a part of it."""
    for folder in dict.fromkeys(os.path.dirname(file) for file in files):
        yield [file for file in files if os.path.dirname(file) == folder]


def _weights(files: list[str], pipeline: bool, options: HuggingFaceOptions) -> list[str]:
    """Those of one folder; beside a pipeline's folders lie at most the same weights once more, in one file."""
    if pipeline and "/" not in files[0]:
        return []
    safe = [file for file in files if file.endswith(".safetensors") and not _name(file).startswith(("consolidated", "adapter"))]
    safe = safe or [file for file in files if file.endswith(".safetensors")]
    if safe:
        return _in_one_precision(safe, options)
    pickled = [file for file in files if _PICKLED.fullmatch(_VARIANTS.sub("", _name(file)))]
    if pickled and not options.pickled_weights:
        where = os.path.dirname(pickled[0]) or "its repository"
        raise SetupError(
            f"There are no safetensors in {where}, only {_name(pickled[0])}: loading it can run what it holds. "
            f"Where you trust whoever made it, set pickled_weights = true in [providers.{options.provider}]."
        )
    return _in_one_precision(pickled, options)


def _in_one_precision(files: list[str], options: HuggingFaceOptions) -> list[str]:
    """Those without a mark, or those with the mark of what was asked for, or of the only one there is."""
    by_mark: dict[str, list[str]] = {}
    for file in files:
        found = _VARIANTS.search(_name(file))
        by_mark.setdefault(found[1] if found else "", []).append(file)
    if options.dtype == "float16" and "fp16" in by_mark:
        return by_mark["fp16"]
    return by_mark.get("") or next(iter(by_mark.values()), [])


def _nothing(files: Collection[str], options: HuggingFaceOptions) -> str:
    gguf = [file for file in files if file.endswith(".gguf")]
    if gguf:
        return (
            f"It is kept as GGUF ({gguf[0]}), which the plugin llama runs: modelhub models pull "
            f"{shown(options.hub())}/OWNER/MODEL/blob/main/{gguf[0]}"
        )
    return "It holds no weights that transformers or diffusers load (safetensors)."


def _name(file: str) -> str:
    return file.rpartition("/")[2]
