"""A BERT by the book, text by text and in 64 bits: what the engines' vectors are held against.

It shares no line with what it checks: it reads the folder's own files, cuts words letter by letter, and takes the exact GELU.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from pathlib import Path

import numpy as np

_ERROR_FUNCTION = np.vectorize(__import__("math").erf)


class Reference:
    """The model in a folder."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self.numbers = {piece: number for number, piece in enumerate(self.pieces)}
        self.tensors = read(folder / "model.safetensors")
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
        self.first_token = pooling["pooling_mode_cls_token"]
        self.normalised = any(
            "Normalize" in module["type"] for module in json.loads((folder / "modules.json").read_text("utf-8"))
        )
        told = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        self.lower_case = told["do_lower_case"]

    def tokens(self, text: str) -> list[int]:
        """The numbers of a text's pieces, between [CLS] and [SEP]."""
        found = ["[CLS]"]
        for word in _words(text, self.lower_case):
            found += self._cut(word)
        return [self.numbers[piece] for piece in [*found, "[SEP]"]]

    def _cut(self, word: str) -> list[str]:
        cut, rest = [], word
        while rest:
            ends = [end for end in range(1, len(rest) + 1) if ("##" if cut else "") + rest[:end] in self.numbers]
            if not ends or len(word) > 100:
                return ["[UNK]"]
            cut.append(("##" if cut else "") + rest[: ends[-1]])
            rest = rest[ends[-1] :]
        return cut

    def vectors(self, texts: list[str]) -> np.ndarray:
        """A row for each text."""
        return np.array([self.vector(self.tokens(text)) for text in texts])

    def vector(self, tokens: list[int]) -> np.ndarray:
        """The vector of one text."""
        part = self.tensors
        states = (
            part["embeddings.word_embeddings.weight"][tokens] + part["embeddings.position_embeddings.weight"][: len(tokens)]
        )
        states = self._norm(states + part["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            states = self._layer(states, f"encoder.layer.{layer}.")
        pooled = states[0] if self.first_token else states.mean(axis=0)
        return pooled / np.linalg.norm(pooled) if self.normalised else pooled

    def _layer(self, states: np.ndarray, name: str) -> np.ndarray:
        heads = self.config["num_attention_heads"]
        query, key, value = (
            np.split(self._dense(states, f"{name}attention.self.{what}"), heads, axis=1) for what in ("query", "key", "value")
        )
        seen = [_softmax(q @ k.T / np.sqrt(q.shape[1])) @ v for q, k, v in zip(query, key, value, strict=True)]
        attended = self._dense(np.hstack(seen), f"{name}attention.output.dense")
        states = self._norm(states + attended, f"{name}attention.output.LayerNorm")
        inner = self._dense(states, f"{name}intermediate.dense")
        inner = inner * (1 + _ERROR_FUNCTION(inner / np.sqrt(2))) / 2
        return self._norm(states + self._dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _dense(self, states: np.ndarray, name: str) -> np.ndarray:
        return states @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def _norm(self, states: np.ndarray, name: str) -> np.ndarray:
        centred = states - states.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + self.config["layer_norm_eps"])
        return scaled * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]


def read(file: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, in 64 bits."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, told in header.items():
        if told["dtype"] == "F32":
            start, end = told["data_offsets"]
            numbers = np.frombuffer(raw[8 + length + start : 8 + length + end], "<f4")
            found[name] = numbers.reshape(told["shape"]).astype(np.float64)
    return found


def _softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _words(text: str, lower_case: bool) -> list[str]:
    cleaned = ""
    for letter in text:
        kind = unicodedata.category(letter)
        if letter in "\t\n\r" or kind == "Zs":
            cleaned += " "
        elif letter not in "\0\ufffd" and not kind.startswith("C"):
            cleaned += f" {letter} " if "CJK" in unicodedata.name(letter, "") else letter
    if lower_case:
        cleaned = "".join(c.lower() for c in unicodedata.normalize("NFD", cleaned) if unicodedata.category(c) != "Mn")
    apart = ""
    for letter in cleaned:
        mark = unicodedata.category(letter).startswith("P") or (letter.isascii() and not letter.isalnum() and letter != " ")
        apart += f" {letter} " if mark else letter
    return apart.split()
