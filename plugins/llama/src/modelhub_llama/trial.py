"""A chat template tried in a process of its own, which may hang or crash for it: ``python -m modelhub_llama.trial < template``.

Writes ``sound`` where llama.cpp has taken the template and put a few conversations into it. What it says against one that it
does not take, it writes to standard error.
"""

from __future__ import annotations

import json
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelhub_llama.conversion.writing import GgmlType, Tensor, Value, write

__all__ = ["main"]

_WIDTH, _F32 = 32, GgmlType(0, 1, 4)
_WORDS = ("<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)))
_TOOL = {"name": "weather", "description": "The weather.", "parameters": {"type": "object", "properties": {"place": {}}}}
_TURNS = [{"role": role, "content": role} for role in ("user", "assistant") * 10]
_CONVERSATIONS: tuple[dict[str, Any], ...] = (
    {"messages": _TURNS[:1]},
    {"messages": [{"role": "system", "content": "Be brief."}, *_TURNS[:3]]},
    {"messages": _TURNS[:19]},
    {"messages": _TURNS[:1], "tools": [{"type": "function", "function": _TOOL}]},
)


def main() -> None:
    """Try what stands on standard input."""
    _bounded()
    import xllamacpp

    template = sys.stdin.buffer.read().decode("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.gguf"
        write(path, _metadata(template), _tensors())
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.port = 0
        parameters.n_ctx = 64
        parameters.n_gpu_layers = 0
        parameters.cpuparams.n_threads = 1
        parameters.warmup = False
        parameters.use_jinja = True
        parameters.verbosity = 3
        server = xllamacpp.Server(parameters)
        for conversation in _CONVERSATIONS:
            _rendered(server.listening_address, conversation)
        sys.stdout.write("sound\n")
        sys.stdout.flush()


def _rendered(address: str, conversation: dict[str, Any]) -> None:
    """One conversation put into the template; what it says against it is the caller's business, and told him when he asks."""
    door = HTTPConnection(urlsplit(address).netloc)
    door.request("POST", "/apply-template", json.dumps(conversation), {"content-type": "application/json"})
    door.getresponse().read()
    door.close()


def _bounded() -> None:
    """At most 4 GiB of memory and 20 seconds of computing, where the system can be told so."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _metadata(template: str) -> dict[str, Value]:
    sizes = {"context_length": 64, "embedding_length": _WIDTH, "block_count": 1, "feed_forward_length": _WIDTH}
    heads = {"attention.head_count": 1, "attention.head_count_kv": 1, "rope.dimension_count": _WIDTH}
    return {
        "general.architecture": "llama",
        **{f"llama.{name}": value for name, value in {**sizes, **heads}.items()},
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.vocab_size": len(_WORDS),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": list(_WORDS),
        "tokenizer.ggml.scores": [0.0] * len(_WORDS),
        "tokenizer.ggml.token_type": [2, 3, 3, *[6] * 256],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": template,
    }


def _tensors() -> list[Tensor]:
    square, words = (_WIDTH, _WIDTH), (len(_WORDS), _WIDTH)
    of_block = {f"blk.0.{name}.weight": square for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
    of_block |= {f"blk.0.{name}.weight": square for name in ("ffn_gate", "ffn_up", "ffn_down")}
    norms = dict.fromkeys(("blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"), (_WIDTH,))
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": words, "output.weight": words, **of_block, **norms}
    return [_zeros(name, shape) for name, shape in shapes.items()]


def _zeros(name: str, shape: tuple[int, ...]) -> Tensor:
    tensor = Tensor(name, shape, _F32, bytes)
    return Tensor(name, shape, _F32, lambda: bytes(tensor.size))


if __name__ == "__main__":
    main()
