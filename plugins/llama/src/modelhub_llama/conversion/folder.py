"""What a sentence transformer's folder says of itself: how its texts are cut, how its vectors are made, what it was told."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from modelhub.plugin import SetupError
from modelhub_llama.conversion.vocabulary import Vocabulary, vocabulary

__all__ = ["Folder", "Pooling", "Shape", "read_folder"]

Pooling = Literal["mean", "cls"]
_SUPPORTED = "What can be imported is BERT with mean or CLS pooling, as sentence-transformers saves it (safetensors)."
_ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a BERT."""

    words: int
    width: int
    layers: int
    heads: int
    inner: int
    """The width within a layer."""
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A model in a folder."""

    path: str
    name: str
    shape: Shape
    vocabulary: Vocabulary = field(repr=False)
    pooling: Pooling
    normalised: bool
    """Whether the model's vectors have the length 1."""
    input_tokens: int
    """Tokens of the longest text, its two marks among them."""
    prompts: Mapping[str, str]
    """What is put before a ``query`` and a ``document``."""
    licence: str | None

    @property
    def weights(self) -> str:
        """The file of the weights."""
        return os.path.join(self.path, "model.safetensors")


def read_folder(path: str) -> Folder:
    """A folder, read and checked. Raises ``SetupError``, which says what it is that cannot be imported."""
    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.isdir(path):
        raise SetupError(f"There is no folder {path}. {_SUPPORTED}")
    config = _json(path, "config.json")
    _check_architecture(path, config)
    if not os.path.isfile(os.path.join(path, "model.safetensors")):
        raise SetupError(
            f"{path} has no model.safetensors. {_SUPPORTED} Other weights: save them with safe_serialization=True."
        )
    shape = _shape(path, config)
    modules = _modules(path)
    told = _optional(path, "config_sentence_transformers.json").get("prompts") or {}
    return Folder(
        path=path,
        name=_name(path),
        shape=shape,
        vocabulary=vocabulary(path, shape.words),
        pooling=_pooling(path, modules),
        normalised="Normalize" in modules,
        input_tokens=_input_tokens(path, shape.positions),
        prompts={key: prompt for key in ("query", "document") if isinstance(prompt := told.get(key), str) and prompt},
        licence=_licence(path),
    )


def _check_architecture(path: str, config: Mapping[str, Any]) -> None:
    kind = config.get("model_type")
    if kind != "bert":
        raise SetupError(f"{path} is a model of the type {kind!r}. {_SUPPORTED}")
    heads = [name for name in config.get("architectures") or () if "Classification" in str(name)]
    if heads:
        reason = "the engine does not tell query and document apart in a BERT, so that its scores would be others"
        raise SetupError(f"{path} is a cross-encoder ({heads[0]}): {reason}. Take a reranker that is a GGUF file already.")
    for key, allowed in {"hidden_act": _ACTIVATIONS, "position_embedding_type": ("absolute",)}.items():
        if config.get(key, allowed[0]) not in allowed:
            raise SetupError(f"{path} has {key} = {config[key]!r}, and only {' or '.join(allowed)} can be imported.")


def _shape(path: str, config: Mapping[str, Any]) -> Shape:
    def number(key: str) -> int:
        value = config.get(key)
        if type(value) is not int or value < 1:
            raise SetupError(f"{os.path.join(path, 'config.json')} has {key} = {value!r}, where a number of 1 or more is due.")
        return value

    shape = Shape(
        words=number("vocab_size"),
        width=number("hidden_size"),
        layers=number("num_hidden_layers"),
        heads=number("num_attention_heads"),
        inner=number("intermediate_size"),
        positions=number("max_position_embeddings"),
        token_types=number("type_vocab_size"),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )
    if shape.width % shape.heads:
        raise SetupError(f"{path} has {shape.heads} attention heads, which do not divide its width of {shape.width}.")
    return shape


def _modules(path: str) -> list[str]:
    """The names of what a text goes through: ``Transformer``, ``Pooling``, ``Normalize``."""
    listed = _json(path, "modules.json", list)
    names = [str(module.get("type", "")).rpartition(".")[2] for module in listed if isinstance(module, Mapping)]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise SetupError(f"{path} puts a text through {', '.join(names)}. {_SUPPORTED} (A normalisation may follow.)")
    return names


def _pooling(path: str, modules: list[str]) -> Pooling:
    listed = _json(path, "modules.json", list)[modules.index("Pooling")]
    told = _json(path, os.path.join(str(listed.get("path") or "1_Pooling"), "config.json"))
    mode = told.get("pooling_mode")
    modes = (
        [mode] if isinstance(mode, str) else [key for key, value in told.items() if key.startswith("pooling_mode") and value]
    )
    match modes:
        case ["mean" | "pooling_mode_mean_tokens"]:
            return "mean"
        case ["cls" | "pooling_mode_cls_token"]:
            return "cls"
        case _:
            raise SetupError(f"{path} pools by {', '.join(map(str, modes)) or 'nothing'}. {_SUPPORTED}")


def _input_tokens(path: str, positions: int) -> int:
    told = _optional(path, "sentence_bert_config.json").get("max_seq_length")
    told = told or _optional(path, "tokenizer_config.json").get("model_max_length")
    return min(int(told), positions) if isinstance(told, int | float) and told >= 3 else positions


def _name(path: str) -> str:
    """The README's title where it is a single word, else the folder's name."""
    title = re.search(r"^# +([\w./+-]+) *$", _readme(path), re.MULTILINE)
    return (title[1] if title else os.path.basename(path)).strip("/").rpartition("/")[2]


def _licence(path: str) -> str | None:
    told = re.search(r"^license: *['\"]?([\w.+-]+)", _readme(path).partition("\n---")[0], re.MULTILINE)
    return told[1] if told else None


def _readme(path: str) -> str:
    with suppress(OSError), open(os.path.join(path, "README.md"), encoding="utf-8", errors="replace") as file:
        return file.read(1 << 16)
    return ""


def _json(path: str, name: str, kind: type[Any] = dict) -> Any:
    file = os.path.join(path, name)
    try:
        with open(file, encoding="utf-8") as stream:
            told = json.load(stream)
    except FileNotFoundError:
        raise SetupError(f"{path} has no {name}: it is no folder of a sentence transformer. {_SUPPORTED}") from None
    except (OSError, ValueError) as error:
        raise SetupError(f"{file} cannot be read: {error}.") from error
    if not isinstance(told, kind):
        raise SetupError(f"{file} holds {type(told).__name__} instead of {kind.__name__}.")
    return told


def _optional(path: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _json(path, name) if os.path.exists(os.path.join(path, name)) else {}
    return found
