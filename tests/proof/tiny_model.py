"""A tiny language model in GGUF, made of seeded random numbers: it says nonsense, and a real engine says it."""

from __future__ import annotations

import sys
from typing import Any

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, CONTEXT = 64, 2, 4, 512
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def vocabulary() -> list[tuple[str, float, Any]]:
    """Specials, every byte, and the printable characters of ASCII: enough to spell anything."""
    kinds = gguf.TokenType
    specials = [("<unk>", kinds.UNKNOWN), *((word, kinds.CONTROL) for word in ("<s>", "</s>", "<|im_start|>", "<|im_end|>"))]
    spelled = ["\u2581", *map(chr, range(33, 127))]
    return [
        *((word, 0.0, kind) for word, kind in specials),
        *((f"<0x{byte:02X}>", 0.0, kinds.BYTE) for byte in range(256)),
        *((piece, -1.0 - rank / 1000, kinds.NORMAL) for rank, piece in enumerate(spelled)),
    ]


def write(path: str, seed: int = 0, context: int = CONTEXT) -> None:
    """Write the model. The same seed gives the same bytes."""
    words, scores, kinds = zip(*vocabulary(), strict=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
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
    writer.add_chat_template(TEMPLATE)
    _add_weights(writer, np.random.default_rng(seed), len(words))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_weights(writer: Any, random: np.random.Generator, words: int) -> None:
    def add(name: str, *shape: int) -> None:
        norm = len(shape) == 1
        weights = np.ones(shape, np.float32) if norm else random.normal(0, 0.08, shape).astype(np.float32)
        writer.add_tensor(f"{name}.weight", weights)

    add("token_embd", words, WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        add(f"{block}.attn_norm", WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{name}", WIDTH, WIDTH)
        add(f"{block}.ffn_norm", WIDTH)
        add(f"{block}.ffn_gate", 2 * WIDTH, WIDTH)
        add(f"{block}.ffn_up", 2 * WIDTH, WIDTH)
        add(f"{block}.ffn_down", WIDTH, 2 * WIDTH)
    add("output_norm", WIDTH)
    add("output", words, WIDTH)


if __name__ == "__main__":
    write(sys.argv[1])
