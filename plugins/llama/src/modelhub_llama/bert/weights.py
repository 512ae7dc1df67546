"""A BERT in a GGUF file: its tensors as numpy arrays, its vocabulary, and what it says of its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from modelhub.plugin import Unsupported
from modelhub_llama.bert.wordpiece import TOKENS, WordPiece, wordpiece
from modelhub_llama.gguf.header import Header, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Weights", "load"]

_POOLING = {1: "mean", 2: "cls"}


@dataclass(frozen=True, slots=True)
class Weights:
    """A loaded BERT. ``tensors`` are 32-bit floats by their names in the file, slowest dimension first."""

    layers: int
    heads: int
    epsilon: float
    pooling: str
    normalised: bool
    wordpiece: WordPiece = field(repr=False)
    tensors: Mapping[str, NDArray[np.float32]] = field(repr=False)


def load(path: str, pooling: str | None = None) -> Weights:
    """Read a file. ``pooling`` goes before what the file says.

    Raises ``Unsupported`` where it is no BERT that this can compute, ``GgufError`` where it is damaged.
    """
    header = read(path, whole=(TOKENS,))
    cut, pooling = wordpiece(header.metadata), pooling or _POOLING.get(header.own("pooling_type"))
    if header.architecture != "bert" or cut is None or pooling is None or pooling not in _POOLING.values():
        found = f"{header.architecture} with the tokeniser {header.text('tokenizer.ggml.model')} and the pooling {pooling}"
        message = f"{path} is {found}: only BERT with mean or CLS pooling is computed without llama.cpp. Leave out `embedder`."
        raise Unsupported(message, feature="embedder")
    return Weights(
        layers=header.own("block_count"),
        heads=header.own("attention.head_count"),
        epsilon=header.own("attention.layer_norm_epsilon"),
        pooling=pooling,
        normalised=header.metadata.get("modelhub.embedding.normalised", True) is not False,
        wordpiece=cut,
        tensors=_tensors(header),
    )


def _tensors(header: Header) -> dict[str, NDArray[np.float32]]:
    alignment = header.metadata.get("general.alignment", 32)
    start = header.header_bytes + -header.header_bytes % alignment
    tensors = {}
    with open(header.file, "rb") as file:
        for tensor in header.tensors:
            file.seek(start + tensor.offset)
            raw = file.read(_size(prod(tensor.shape), tensor.kind, header.file))
            tensors[tensor.name] = _numbers(raw, tensor.kind).reshape(tensor.shape[::-1])
    return tensors


def _size(count: int, kind: int, file: str) -> int:
    match kind:
        case 0:
            return 4 * count
        case 1 | 30:
            return 2 * count
        case 8:
            return count // 32 * 34
        case _:
            message = f"{file} is quantised in a way that only llama.cpp computes: take f32, f16, bf16 or q8_0."
            raise Unsupported(message, feature="embedder")


def _numbers(raw: bytes, kind: int) -> NDArray[np.float32]:
    import numpy as np

    match kind:
        case 0:
            return np.frombuffer(raw, "<f4").astype(np.float32)
        case 1:
            return np.frombuffer(raw, "<f2").astype(np.float32)
        case 30:
            return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4").astype(np.float32)
        case _:
            blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("multiples", "i1", 32)]))
            scales: NDArray[np.float32] = blocks["scale"].astype(np.float32)
            return (scales[:, None] * blocks["multiples"].astype(np.float32)).ravel()
