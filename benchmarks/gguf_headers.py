"""What importing and listing GGUF files costs, headers only, beside the ``gguf`` package's own reader in the same run.

Fifty files, each with a vocabulary as models of today have it: 128,256 words and 280,147 merges (Llama 3's counts), and the
291 tensors of a model of 32 layers, whose weights are a hole in the file.

    python benchmarks/gguf_headers.py [FILES] [FILES_FOR_THE_PEER]
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

WORDS, MERGES, LAYERS = 128_256, 280_147, 32
BAR = 20.0


def write(file: Path) -> None:
    """One file; the same each time."""
    import gguf

    seed = random.Random(7)
    letters = "etaoinshrdlucmfwygpbvkxqjz"
    spelled = ["".join(seed.choices(letters, k=seed.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 12)))) for _ in range(WORDS)]
    words = [("Ġ" if number % 2 else "") + word for number, word in enumerate(spelled)]
    words[1000:1010] = [" " * 2**power for power in range(10)]  # runs of spaces, as vocabularies have them
    merges = [f"{seed.choice(spelled)} {seed.choice(spelled)}" for _ in range(MERGES)]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_name("Fifty")
    writer.add_license("apache-2.0")
    for add, number in (
        (writer.add_context_length, 131_072),
        (writer.add_embedding_length, 4096),
        (writer.add_block_count, LAYERS),
        (writer.add_feed_forward_length, 14_336),
        (writer.add_head_count, 32),
        (writer.add_head_count_kv, 8),
        (writer.add_file_type, 0),
    ):
        add(number)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([1] * WORDS)
    writer.add_token_merges(merges)
    writer.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}{% if tools %}{{ tools }}{% endif %}")
    add_tensors(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()


def add_tensors(writer: object) -> None:
    """Their names and shapes, with one weight in each dimension: what a header tells is as long as ever."""
    import numpy as np

    names = ["token_embd", "output_norm", "output"]
    parts = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "attn_norm", "ffn_norm")
    names += [f"blk.{layer}.{part}" for layer in range(LAYERS) for part in parts]
    for name in names:
        writer.add_tensor(f"{name}.weight", np.zeros((1, 32), np.float32))  # type: ignore[attr-defined]


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of CPU."""
    began = time.process_time()
    call()
    return 1000 * (time.process_time() - began)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    peers = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder = Path(tempfile.mkdtemp(prefix="gguf-headers-"))
    try:
        measure(folder, count, peers)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, count: int, peers: int) -> None:
    import gguf
    from modelhub_llama.gguf.cards import inspect, local
    from modelhub_llama.options import LlamaOptions

    from modelhub.catalog.store import Store

    models = folder / "models"
    models.mkdir()
    write(models / "model-00.gguf")
    size = (models / "model-00.gguf").stat().st_size
    with open(models / "model-00.gguf", "ab") as file:
        file.truncate(size + 291 * 128 + 64)
    for number in range(1, count):
        shutil.copyfile(models / "model-00.gguf", models / f"model-{number:02}.gguf")
    files = [str(file) for file in sorted(models.iterdir())]
    os.environ["MODELHUB_CACHE"] = str(folder / "cache")
    store = Store(str(folder / "cache"))

    def add(file: str) -> None:
        inspect(file)
        store.add([file], name=Path(file).stem)

    import_each = [timed(lambda file=file: add(file)) for file in files]
    began = time.process_time()
    cards = local(LlamaOptions(models=()))
    list_each = 1000 * (time.process_time() - began) / len(cards)
    reader_each = [timed(lambda file=file: gguf.GGUFReader(file)) for file in files[:peers]]
    assert len(cards) == count
    assert all(card.capabilities == {"chat": True, "tools": True} and card.parameters == 291 * 32 for card in cards)
    theirs = statistics.median(reader_each)
    print(f"{count} files of {size / 1e6:.1f} MB of header each")
    for what, ours in (("import", statistics.median(import_each)), ("list", list_each)):
        held = "held" if ours <= BAR else "MISSED"
        print(f"{what:<8}{ours:8.1f} ms a file (bar: {BAR:.0f}, {held}); gguf.GGUFReader / modelhub: {theirs / ours:.0f}")
    print(f"gguf.GGUFReader {theirs:8.1f} ms a file")


if __name__ == "__main__":
    main()
