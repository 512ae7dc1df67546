"""The folder of a sentence transformer: a network, and the parts that come after it, each with a configuration of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from modelhub.plugin import SetupError
from modelhub_huggingface.local.files import ModelFolder

__all__ = ["Dense", "Mode", "Norm", "SentenceFolder", "Step", "sentence_folder"]

Mode = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
_MODES: Mapping[str, Mode] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""In the order in which several stand beside each other in one vector."""
_NETWORK_FILES = ("sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json")


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer that a pooled vector goes through, after which it has other ``dimensions``."""

    folder: ModelFolder
    dimensions: int
    activation: str


@dataclass(frozen=True, slots=True)
class Norm:
    """A vector is made one long."""


Step = Dense | Norm
"""What happens to a pooled vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceFolder:
    """What the files say; of a plain transformer, that it is one: it has no ``modes``."""

    network: ModelFolder
    modes: tuple[Mode, ...] = ()
    whole: bool = True
    steps: tuple[Step, ...] = ()
    longest: int | None = None
    lower_case: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    similarity: str = "cosine"


def sentence_folder(folder: ModelFolder) -> SentenceFolder:
    """Read it. Raises ``SetupError`` for a part that is not computed here, and for files that are none."""
    said = SentenceFolder(network=folder)
    for kind, part in _parts(folder):
        said = _with(said, kind, part)
    said = _with_limits(said)
    told = folder.json("config_sentence_transformers.json")
    prompts = told.get("prompts")
    return replace(
        said,
        prompts={str(name): str(text) for name, text in prompts.items()} if isinstance(prompts, Mapping) else {},
        default_prompt=told.get("default_prompt_name"),
        similarity=str(told.get("similarity_fn_name") or "cosine"),
    )


def _parts(folder: ModelFolder) -> Iterator[tuple[str, ModelFolder]]:
    """The kind of each part, and where it lies: all in order."""
    path = folder.file("modules.json")
    if not os.path.isfile(path):
        return
    try:
        with open(path, encoding="utf-8-sig") as file:
            listed = json.load(file)
        for part in listed:
            yield str(part["type"]).rpartition(".")[2], ModelFolder(os.path.normpath(folder.file(_inside(part["path"]))))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SetupError(f"{path} is no list of a model's parts: {error}. Fetch the model again.") from error


def _inside(path: str) -> str:
    """A part lies in the model's own folder."""
    parts = path.replace("\\", "/").split("/")
    if os.path.isabs(path) or ".." in parts:
        raise ValueError(f"{path!r} leads out of the folder")
    return os.path.join(*parts)


def _with(said: SentenceFolder, kind: str, part: ModelFolder) -> SentenceFolder:
    match kind:
        case "Transformer":
            return replace(said, network=part)
        case "Pooling":
            config = part.json("config.json")
            return replace(said, modes=_modes(config), whole=config.get("include_prompt") is not False)
        case "Dense":
            return replace(said, steps=(*said.steps, _dense(part)))
        case "Normalize":
            return replace(said, steps=(*said.steps, Norm()))
        case "Dropout":
            return said
        case _:
            raise SetupError(f"{part.path} is a {kind}, a part of a model that is not computed here.")


def _modes(config: Mapping[str, Any]) -> tuple[Mode, ...]:
    """How the vectors of tokens become one; several ways give several vectors, side by side."""
    told = config.get("pooling_mode")
    if told is None:
        return tuple(mode for key, mode in _MODES.items() if config.get(key) is True) or ("mean",)
    names = [told] if isinstance(told, str) else told
    found = tuple(mode for name in names for mode in _MODES.values() if mode == name)
    if len(found) != len(names):
        raise SetupError(f"pooling_mode is {told!r}, which is not computed here: set pooling in the options.")
    return found


def _dense(part: ModelFolder) -> Dense:
    config = part.json("config.json")
    about = config.get("module_input_name", "sentence_embedding")
    if config.get("use_residual") or about != "sentence_embedding":
        raise SetupError(f"{part.path} is a layer of another form than those that are computed here.")
    activation = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
    return Dense(part, int(config.get("out_features") or 0), activation)


def _with_limits(said: SentenceFolder) -> SentenceFolder:
    told = next((found for name in _NETWORK_FILES if (found := said.network.json(name))), {})
    longest = told.get("max_seq_length")
    return replace(said, longest=longest if type(longest) is int else None, lower_case=told.get("do_lower_case") is True)
