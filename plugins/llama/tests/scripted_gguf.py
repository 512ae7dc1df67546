"""A model that says one thing: each token is followed by the next of a script, which begins behind the prompt's last newline.

Its weights are zeros but for a table of what follows what, so that what a real engine makes of an answer can be tested: tool
calls in the form of a template, say, which random weights would never write.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np

HERMES = """{%- if tools %}<|im_start|>system
You may call functions.
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each call give <tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' and message.tool_calls %}<|im_start|>assistant
{{ message.content }}{% for call in message.tool_calls %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% elif message.role == 'tool' %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
"""In the manner of the Hermes models, which many others follow."""

_SPECIALS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")


def write(path: Path | str, script: Sequence[str], *, template: str = HERMES, context: int = 2048) -> str:
    """Write a model that says these pieces, each as one token, and then ends. No piece may come twice. Gives the path."""
    kinds = gguf.TokenType
    plain = ["\u2581", *map(chr, range(33, 127))]
    said = [piece.replace(" ", "\u2581") for piece in script]
    words = [*_SPECIALS, *(f"<0x{byte:02X}>" for byte in range(256)), *plain, *said]
    types = [kinds.UNKNOWN, *[kinds.CONTROL] * 4, *[kinds.BYTE] * 256, *[kinds.NORMAL] * (len(plain) + len(said))]
    width = -(-len(words) // 64) * 64
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("scripted")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([-100.0 if kind == kinds.NORMAL else 0.0 for kind in types])
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(template)
    _add_weights(writer, len(words), width, [5 + ord("\n"), *range(len(words) - len(said), len(words)), 4])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def _add_weights(writer: Any, words: int, width: int, chain: list[int]) -> None:
    """Each token is a direction of its own; the output of one points at the token behind it."""
    embedding = np.eye(words, width, dtype=np.float32)
    output = np.zeros((words, width), np.float32)
    for before, after in pairwise(chain):
        output[after, before] = 10.0
    writer.add_tensor("token_embd.weight", embedding)
    square, up = np.zeros((width, width), np.float32), np.zeros((32, width), np.float32)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight", square)
    writer.add_tensor("blk.0.ffn_gate.weight", up)
    writer.add_tensor("blk.0.ffn_up.weight", up)
    writer.add_tensor("blk.0.ffn_down.weight", np.zeros((width, 32), np.float32))
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    writer.add_tensor("output.weight", output)
