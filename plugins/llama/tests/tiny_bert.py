"""Tiny sentence transformers in folders, as they are saved: seeded random weights, a vocabulary of letters and some words."""

from __future__ import annotations

import json
import string
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ("tokyo", "rain", "##ing", "in", "the", "##ain", "cafe", "東", "京", "雨", "で", "##す", "は", "日", "本", "テ")
VOCABULARY = (
    *("[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *string.ascii_lowercase,
    *(f"##{letter}" for letter in string.ascii_lowercase),
    *string.digits,
    *(f"##{digit}" for digit in string.digits),
    *string.punctuation,
    *WORDS,
)


def save(
    folder: Path,
    *,
    seed: int = 0,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    positions: int = 64,
    config: Mapping[str, Any] | None = None,
    pooling: str = "mean_tokens",
    modules: Sequence[str] = ("Transformer", "Pooling", "Normalize"),
    tensors: Mapping[str, np.ndarray | None] | None = None,
    prompts: Mapping[str, str] | None = None,
    lower_case: bool = True,
    vocabulary: Sequence[str] = VOCABULARY,
    kind: str = "F32",
) -> Path:
    """Save a model; ``tensors`` replaces some of its weights, or leaves them out."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": 2 * width}
    other = {"max_position_embeddings": positions, "type_vocab_size": 2, "vocab_size": len(VOCABULARY), "hidden_act": "gelu"}
    told = {"model_type": "bert", "architectures": ["BertModel"], "layer_norm_eps": 1e-12, **sizes, **other, **(config or {})}
    listed = [{"idx": n, "name": f"{n}", "path": f"{n}_{t}", "type": f"somewhere.{t}"} for n, t in enumerate(modules)]
    modes = {f"pooling_mode_{mode}": mode == pooling for mode in ("cls_token", "mean_tokens", "max_tokens")}
    _json(folder / "config.json", told)
    _json(folder / "modules.json", listed)
    _json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, **modes})
    _json(folder / "tokenizer_config.json", {"do_lower_case": lower_case, "strip_accents": None})
    _json(folder / "sentence_bert_config.json", {"max_seq_length": positions - 16})
    _json(folder / "config_sentence_transformers.json", {"prompts": dict(prompts or {})})
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n\n# tiny-bert\n", encoding="utf-8")
    made = {**weights(seed, width, layers, positions), **(tensors or {})}
    save_safetensors(folder / "model.safetensors", {name: t for name, t in made.items() if t is not None}, kind)
    return folder


def weights(seed: int, width: int, layers: int, positions: int) -> dict[str, np.ndarray]:
    """All tensors, by their names in transformers."""
    random = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.5 if shape[0] > shape[-1] else 0.3, shape).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": 1 + matrix(width) * 0.3, f"{name}.bias": matrix(width) * 0.3}

    found = {f"embeddings.{name}_embeddings.weight": matrix(rows, width) for name, rows in _tables(positions).items()}
    found |= norm("embeddings.LayerNorm")
    for layer in range(layers):
        there = f"encoder.layer.{layer}"
        squares = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
        shapes = dict.fromkeys(squares, (width, width)) | {"intermediate.dense": (2 * width, width)}
        for name, shape in (shapes | {"output.dense": (width, 2 * width)}).items():
            found[f"{there}.{name}.weight"] = matrix(*shape) / np.float32(np.sqrt(shape[1]) * 0.3)
            found[f"{there}.{name}.bias"] = matrix(shape[0]) * 0.3
        found |= norm(f"{there}.attention.output.LayerNorm") | norm(f"{there}.output.LayerNorm")
    return found


def _tables(positions: int) -> dict[str, int]:
    return {"word": len(VOCABULARY), "position": positions, "token_type": 2}


def save_safetensors(file: Path, tensors: Mapping[str, np.ndarray], kind: str = "F32") -> None:
    """Save tensors as ``F32``, ``F16`` or ``BF16``."""
    header, body = {}, b""
    for name, tensor in tensors.items():
        raw = _raw(tensor, kind)
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    told = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    file.write_bytes(struct.pack("<Q", len(told)) + told + body)


def _raw(tensor: np.ndarray, kind: str) -> bytes:
    if kind == "BF16":
        return (tensor.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return tensor.astype({"F32": "<f4", "F16": "<f2"}[kind]).tobytes()


def _json(file: Path, told: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(told), encoding="utf-8")
