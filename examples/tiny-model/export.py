"""The trained weights as a GGUF file, which llama.cpp reads."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from network import BASE, EPSILON, Shape, Weights
from pieces import BEGIN, OVER, SPECIALS, UNKNOWN, Pieces

CONTEXT = 2048
"""How much llama.cpp lets it take. It has learnt from far shorter texts, and makes little of what is further off."""
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write(path: Path, weights: Weights, shape: Shape, pieces: Pieces, name: str) -> None:
    """Write the model; its matrices as 16-bit floats.

    It takes its name when it is whole: a process may have the model of that name loaded, and read it where it lies.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    writer = gguf.GGUFWriter(unfinished, "llama")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(BASE)
    writer.add_chat_template(TEMPLATE)
    _add_vocabulary(writer, pieces)
    for tensor, values in weights.items():
        writer.add_tensor(f"{tensor}.weight", values.astype(np.float16) if values.ndim == 2 else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(path)


def _add_vocabulary(writer: gguf.GGUFWriter, pieces: Pieces) -> None:
    kinds = gguf.TokenType
    known = len(pieces.words)
    writer.add_vocab_size(pieces.size)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*SPECIALS, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces.words])
    writer.add_token_scores([0.0] * (len(SPECIALS) + 256) + [-1.0 - rank for rank in range(known)])
    writer.add_token_types(
        [kinds.UNKNOWN] + [kinds.CONTROL] * (len(SPECIALS) - 1) + [kinds.BYTE] * 256 + [kinds.NORMAL] * known
    )
    writer.add_unk_token_id(UNKNOWN)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(OVER)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
