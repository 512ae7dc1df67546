"""A BERT as GGUF: which tensor goes by which name, and what the metadata say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from modelhub.plugin import SetupError
from modelhub_llama.conversion.folder import Folder, Shape, read_folder
from modelhub_llama.conversion.safetensors import Weights
from modelhub_llama.conversion.storing import F32, FILE_TYPES, Storage, stored, type_for
from modelhub_llama.conversion.writing import GgmlType, Tensor, Value, write

__all__ = ["convert"]

_NORMAL, _CONTROL = 1, 3
_POOLING = {"mean": 1, "cls": 2}
_EMBEDDINGS = {
    "token_embd": "embeddings.word_embeddings",
    "position_embd": "embeddings.position_embeddings",
    "token_types": "embeddings.token_type_embeddings",
    "token_embd_norm": "embeddings.LayerNorm",
}
_LAYER = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}


def convert(source: str, target: str | os.PathLike[str], storage: Storage = "f16") -> Folder:
    """Write the model in the folder ``source`` as the GGUF file ``target``. The same folder gives the same bytes.

    ``storage`` is how its matrices are kept: ``f16`` halves the file and costs next to nothing, ``q8_0`` quarters it, is
    the fastest in llama.cpp, and turns a vector by two thousandths at most of its cosine. Raises ``SetupError`` for a
    folder that holds anything but a BERT sentence transformer.
    """
    folder = read_folder(source)
    weights = Weights.of(folder.weights)
    prefix = "bert." if f"bert.{_EMBEDDINGS['token_embd']}.weight" in weights else ""
    write(target, _metadata(folder, storage), list(_tensors(weights, prefix, folder.shape, storage)))
    return folder


def _metadata(folder: Folder, storage: Storage) -> dict[str, Value]:
    shape, words = folder.shape, folder.vocabulary
    told: dict[str, Value] = {
        "general.architecture": "bert",
        "general.type": "model",
        "general.name": folder.name,
        "general.file_type": FILE_TYPES[storage],
        "general.quantization_version": 2,
        "bert.vocab_size": shape.words,
        "bert.context_length": shape.positions,
        "bert.embedding_length": shape.width,
        "bert.feed_forward_length": shape.inner,
        "bert.block_count": shape.layers,
        "bert.attention.head_count": shape.heads,
        "bert.attention.layer_norm_epsilon": shape.epsilon,
        "bert.attention.causal": False,
        "bert.pooling_type": _POOLING[folder.pooling],
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.token_type_count": shape.token_types,
        "tokenizer.ggml.tokens": _pieces(folder),
        "tokenizer.ggml.token_type": _kinds(folder),
        "tokenizer.ggml.bos_token_id": words.marks["cls"],
        "tokenizer.ggml.eos_token_id": words.marks["sep"],
        "tokenizer.ggml.seperator_token_id": words.marks["sep"],  # the format's own spelling
        "tokenizer.ggml.unknown_token_id": words.marks["unk"],
        "tokenizer.ggml.normalizer.lowercase": words.lower_case,
        "tokenizer.ggml.normalizer.strip_accents": words.strip_accents,
        "modelhub.embedding.normalised": folder.normalised,
        "modelhub.embedding.input_tokens": folder.input_tokens,
    }
    told |= {f"tokenizer.ggml.{name}_token_id": words.marks[key] for key, name in _OTHER_MARKS.items() if key in words.marks}
    told |= {f"modelhub.embedding.prompt.{purpose}": prompt for purpose, prompt in folder.prompts.items()}
    return told | ({"general.license": folder.licence} if folder.licence else {})


_OTHER_MARKS = {"pad": "padding", "mask": "mask"}


def _pieces(folder: Folder) -> list[str]:
    """Pieces as the engine has them: a low line marks where a word begins, instead of ## where one goes on.

    Raises ``SetupError`` where two become one, which would end the engine, and the whole process with it.
    """
    marks = frozenset(folder.vocabulary.marks.values())
    pieces = [
        piece if number in marks else piece[2:] if piece.startswith("##") and len(piece) > 2 else f"\u2581{piece}"
        for number, piece in enumerate(folder.vocabulary.pieces)
    ]
    if len(set(pieces)) < len(pieces):
        twice = next(piece for number, piece in enumerate(pieces) if piece in pieces[:number])
        raise SetupError(f"{folder.path} has {twice!r} twice in its vocabulary.")
    return pieces


def _kinds(folder: Folder) -> list[int]:
    marks = frozenset(folder.vocabulary.marks.values())
    return [_CONTROL if number in marks else _NORMAL for number in range(len(folder.vocabulary.pieces))]


def _tensors(weights: Weights, prefix: str, shape: Shape, storage: Storage) -> Iterator[Tensor]:
    for ours, (theirs, sides) in _names(shape).items():
        name = prefix + theirs
        if name not in weights:
            raise SetupError(f"{weights.file} has no tensor {name}: these are not the weights of its config.json.")
        if weights.shape(name) != sides:
            raise SetupError(f"{weights.file}: {name} has the shape {weights.shape(name)}; its config.json makes it {sides}.")
        kept = ours in ("position_embd.weight", "token_types.weight")  # the engine adds them as they are
        kind = F32 if kept else type_for(sides, storage)
        yield Tensor(ours, sides, kind, partial(_bytes, weights, name, kind))


def _names(shape: Shape) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Each tensor's name in GGUF, and its name and shape in the weights."""
    width, inner = shape.width, shape.inner
    tables = {"token_embd": shape.words, "position_embd": shape.positions, "token_types": shape.token_types}
    names = {f"{ours}.weight": (f"{_EMBEDDINGS[ours]}.weight", (rows, width)) for ours, rows in tables.items()}
    found: dict[str, tuple[str, tuple[int, ...]]] = dict(names)
    found |= {f"token_embd_norm.{end}": (f"{_EMBEDDINGS['token_embd_norm']}.{end}", (width,)) for end in ("weight", "bias")}
    matrices = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (width, width))
    matrices |= {"ffn_up": (inner, width), "ffn_down": (width, inner)}
    for layer in range(shape.layers):
        for ours, theirs in _LAYER.items():
            sides = matrices.get(ours)
            there = f"encoder.layer.{layer}.{theirs}"
            found[f"blk.{layer}.{ours}.weight"] = (f"{there}.weight", sides or (width,))
            found[f"blk.{layer}.{ours}.bias"] = (f"{there}.bias", (sides[0] if sides else width,))
    return found


def _bytes(weights: Weights, name: str, kind: GgmlType) -> bytes:
    return stored(weights.read(name), kind, name)
