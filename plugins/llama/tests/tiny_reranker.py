"""A tiny reranker in GGUF: the BERT of ``tiny_bert`` with a head that gives a score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from modelhub_llama.conversion import bert
from modelhub_llama.conversion.folder import read_folder
from modelhub_llama.conversion.safetensors import Weights
from modelhub_llama.conversion.storing import F32
from modelhub_llama.conversion.writing import Tensor, write
from reference_bert import Reference
from tiny_bert import save

__all__ = ["head", "reranker", "score"]


def head(width: int = 64) -> dict[str, np.ndarray]:
    """The pooler and the classifier."""
    random = np.random.default_rng(7)
    shapes = {"cls.weight": (width, width), "cls.bias": (width,), "cls.output.weight": (1, width), "cls.output.bias": (1,)}
    return {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def reranker(folder: Path) -> str:
    """Write the model below a folder; the path of the file."""
    there = read_folder(str(save(folder / "tiny-reranker", modules=("Transformer", "Pooling"))))
    metadata = {**bert._metadata(there, "f32"), "bert.pooling_type": 4}
    tensors = list(bert._tensors(Weights.of(there.weights), "", there.shape, "f32"))
    tensors += [Tensor(name, numbers.shape, F32, numbers.tobytes) for name, numbers in head().items()]
    file = folder / "tiny-reranker.gguf"
    write(file, metadata, tensors)
    return str(file)


def score(folder: Path, query: str, document: str) -> float:
    """What the reranker below a folder should say of a document, by the book."""
    reference = Reference(folder / "tiny-reranker")
    reference.first_token, reference.normalised = True, False
    tokens = [*reference.tokens(query), *reference.tokens(document)[1:-1]]  # llama.cpp does not mark the end
    part = head()
    pooled = np.tanh(part["cls.weight"] @ reference.vector(tokens) + part["cls.bias"])
    return float((part["cls.output.weight"] @ pooled + part["cls.output.bias"])[0])
