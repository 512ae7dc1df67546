"""``transformers serve`` in a process of its own, on a free port, with tiny models that are made here; ended with the block."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["recogniser", "serving", "writer"]

WORDS = ("東京", "の", "天気", "は", "雨", "です", "晴れ", "。", "、", "It", "rains", "in", "Tokyo", "today", "and", "is")
_TEMPLATE = "{% for message in messages %}{{ message.role }} {{ message.content }} {% endfor %}assistant"
_PLUGIN_TESTS = Path(__file__).parents[2] / "plugins" / "huggingface" / "tests"


def writer(folder: Path) -> str:
    """A tiny Llama that knows some words, so that whatever it says can be written down; never at a loss for more of them."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pieces = ["<unk>", "<s>", "</s>", *(f"▁{word}" for word in (*WORDS, "user", "system", "assistant"))]
    tokenizer = Tokenizer(models.WordLevel({piece: place for place, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    marks = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    network = LlamaForCausalLM(LlamaConfig(vocab_size=len(pieces), max_position_embeddings=65_536, **sizes, **marks))
    with torch.no_grad():
        network.lm_head.weight[:3] = 0  # it ends by itself hardly ever, and says nothing that is no word
        network.lm_head.weight[3:] *= 10
    network.generation_config.do_sample = True  # the server draws where the model's own settings say so
    network.save_pretrained(folder)
    named = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=_TEMPLATE, **named).save_pretrained(folder)
    return str(folder)


def recogniser(folder: Path) -> str:
    """A tiny Whisper of random weights."""
    sys.path.append(str(_PLUGIN_TESTS))
    from tiny_sound import whisper

    made: str = whisper(folder)
    return made


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the server. Its hub is empty and offline: a model is named by its folder."""
    cache, log = folder / "hub", folder / "log.txt"
    cache.mkdir()  # without it, the server cannot list its models
    port = _free_port()
    own = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHONWARN")} | own
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve"]
    command += ["--host", "127.0.0.1", "--port", f"{port}", "--device", "cpu"]
    with (
        open(log, "wb") as told,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=environment) as process,
    ):
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    """Until it says that it is well."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"The server ended before it listened: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        with contextlib.suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    pytest.fail("The server did not listen within 120 seconds.")
