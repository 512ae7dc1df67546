"""Tiny models in GGUF, made of seeded random numbers: they say nonsense, and a real engine says it.

The vocabulary has every byte and the printable characters of ASCII, so that a grammar can make the model say any text.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write(
    path: Path | str,
    *,
    seed: int = 0,
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    context: int = 512,
    template: str | None = CHATML,
    name: str = "tiny",
    metadata: dict[str, str] | None = None,
) -> str:
    """Write a language model, whole or not at all; the same arguments give the same bytes. Gives the path."""
    words, scores, kinds = zip(*_vocabulary(), strict=True)
    unfinished = f"{path}.unfinished"
    writer = gguf.GGUFWriter(unfinished, "llama")
    writer.add_name(name)
    for key, value in (metadata or {}).items():
        writer.add_string(key, value)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(words))
    writer.add_token_scores(list(scores))
    writer.add_token_types(list(kinds))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)
    _add_weights(writer, np.random.default_rng(seed), len(words), width, layers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(unfinished, path)
    return str(path)


def _vocabulary() -> list[tuple[str, float, Any]]:
    kinds = gguf.TokenType
    specials = [("<unk>", kinds.UNKNOWN), *((word, kinds.CONTROL) for word in ("<s>", "</s>", "<|im_start|>", "<|im_end|>"))]
    spelled = ["\u2581", *map(chr, range(33, 127))]
    return [
        *((word, 0.0, kind) for word, kind in specials),
        *((f"<0x{byte:02X}>", 0.0, kinds.BYTE) for byte in range(256)),
        *((piece, -1.0 - rank / 1000, kinds.NORMAL) for rank, piece in enumerate(spelled)),
    ]


def _add_weights(writer: Any, random: np.random.Generator, words: int, width: int, layers: int) -> None:
    def add(name: str, *shape: int) -> None:
        norm = len(shape) == 1
        weights = np.ones(shape, np.float32) if norm else random.normal(0, 0.08, shape).astype(np.float32)
        writer.add_tensor(f"{name}.weight", weights)

    add("token_embd", words, width)
    for layer in range(layers):
        block = f"blk.{layer}"
        add(f"{block}.attn_norm", width)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{name}", width, width)
        add(f"{block}.ffn_norm", width)
        add(f"{block}.ffn_gate", 2 * width, width)
        add(f"{block}.ffn_up", 2 * width, width)
        add(f"{block}.ffn_down", width, 2 * width)
    add("output_norm", width)
    add("output", words, width)
