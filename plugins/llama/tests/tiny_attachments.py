"""What is laid over the model of ``tiny_gguf``: a LoRA adapter, and a projector that makes pictures into its tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from modelhub_llama.conversion.storing import F32
from modelhub_llama.conversion.writing import Tensor, Value, write

__all__ = ["adapter", "projector"]


def adapter(file: Path, *, width: int = 64, rank: int = 2, seed: int = 5) -> str:
    """An adapter that turns the first layer's queries and outputs elsewhere; the path of its file."""
    random = np.random.default_rng(seed)
    told: dict[str, Value] = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    parts = {}
    for name in ("blk.0.attn_output", "blk.1.attn_output"):
        parts[f"{name}.weight.lora_a"] = random.normal(0, 1, (rank, width))
        parts[f"{name}.weight.lora_b"] = random.normal(0, 1, (width, rank))
    _write(file, {**told, "adapter.lora.alpha": 4.0}, parts)
    return str(file)


def projector(file: Path, *, width: int = 64, inner: int = 32, side: int = 32, patch: int = 8, seed: int = 6) -> str:
    """A vision tower of one layer, as LLaVA has it: a picture becomes 16 tokens; the path of its file."""
    random = np.random.default_rng(seed)
    told: dict[str, Value] = {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "clip.has_vision_encoder": True,
        "clip.projector_type": "mlp",
        "clip.use_gelu": True,
        "clip.vision.embedding_length": inner,
        "clip.vision.feed_forward_length": 2 * inner,
        "clip.vision.block_count": 1,
        "clip.vision.attention.head_count": 2,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.projection_dim": width,
        "clip.vision.image_size": side,
        "clip.vision.patch_size": patch,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
    }
    matrices = {f"v.blk.0.attn_{name}": (inner, inner) for name in ("q", "k", "v", "out")}
    matrices |= {"v.blk.0.ffn_up": (2 * inner, inner), "v.blk.0.ffn_down": (inner, 2 * inner)}
    matrices |= {"mm.0": (width, inner), "mm.2": (width, width)}
    parts = {"v.patch_embd.weight": random.normal(0, 0.3, (inner, 3, patch, patch))}
    parts["v.position_embd.weight"] = random.normal(0, 0.1, ((side // patch) ** 2, inner))
    for name, shape in matrices.items():
        parts[f"{name}.weight"] = random.normal(0, 0.4, shape)
        parts[f"{name}.bias"] = np.zeros(shape[0])
    for name in ("v.blk.0.ln1", "v.blk.0.ln2", "v.pre_ln", "v.post_ln"):
        parts[f"{name}.weight"], parts[f"{name}.bias"] = np.ones(inner), np.zeros(inner)
    _write(file, told, parts)
    return str(file)


def _write(file: Path, told: dict[str, Value], parts: dict[str, np.ndarray]) -> None:
    tensors = [Tensor(name, part.shape, F32, part.astype("<f4").tobytes) for name, part in parts.items()]
    write(file, told, tensors)
