"""What modelhub costs around a network of transformers in this process: tokens a second, alone and eight beside each other.

python benchmarks/huggingface_text.py [--quick] [--turns N] [--threads N]

The peer is the library's own ``generate`` on the same files, in the same process; the sides take turns, and each ratio is the
median of the ratios turn by turn. A Llama of random numbers, of 34 million parameters, is made first. A second is one of the
processor (``--wall``: of the clock). Needs ``pip install -e "plugins/openai" -e "plugins/huggingface[local]"``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "plugins" / "huggingface" / "tests"))

ROWS = 8
TOKENS = 96
PROMPT = "The lighthouse stands on the cliff; the sea is grey and the wind is cold."
PROMPTS = [PROMPT[: 30 + 5 * number] for number in range(ROWS)]
SAMPLED: dict[str, Any] = {"temperature": 0.8, "top_p": 0.9}


@dataclass(frozen=True)
class Row:
    """``ours`` and ``theirs`` are cases; the figure is the ratio of their tokens a second."""

    title: str
    ours: str
    theirs: str
    bar: float | None


TABLE = (
    Row("one answer / generate", "call", "generate", 0.97),
    Row("one answer, streamed / generate", "stream", "generate", 0.97),
    Row("one answer, sampled / generate, sampled", "sampled", "generate sampled", 0.97),
    Row(f"{ROWS} at once / one by one", "at once", "one by one", 3.0),
    Row(f"{ROWS} at once / generate with a batch of {ROWS}", "at once", "generate batch", None),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--wall", action="store_true")
    asked = parser.parse_args()
    print(*(f"{name} {version(name)}" for name in ("torch", "transformers", "modelhub-huggingface")), sep="; ")
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(_model(folder), asked.threads)
        clock = time.perf_counter if asked.wall else time.process_time
        for case in cases.values():
            case()
        turns = [_turn(turn, cases, clock) for turn in range(3 if asked.quick else asked.turns)]
        waited = _newcomer(f"{folder}/model", asked.threads)
    seconds = "wall" if asked.wall else "CPU"
    print(f"10 layers of 512, float32, {asked.threads} thread(s), {TOKENS} tokens an answer; {seconds} time")
    met = [_judged(row, turns) for row in TABLE]
    print(f"  {'the first token of one that comes while 7 write':48} {'':8} {waited:8.1f} times the time of a token")
    return 0 if all(met) else 1


def _model(folder: str) -> str:
    from tiny_models import save

    sizes = {"hidden_size": 512, "intermediate_size": 1536, "num_hidden_layers": 10, "num_attention_heads": 8}
    return save(f"{folder}/model", "llama", num_key_value_heads=8, max_position_embeddings=1024, eos_token_id=None, **sizes)


def _cases(path: str, threads: int) -> dict[str, Callable[[], int]]:
    """Each gives the number of tokens that were written."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from modelhub import AsyncHub, Hub

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left")
    network = AutoModelForCausalLM.from_pretrained(path)
    settings = _settings(path, threads)
    text = Hub(settings).text("a")
    limit = {"max_new_tokens": TOKENS, "min_new_tokens": 0}

    def bare(prompts: list[str], **options: Any) -> int:
        tokens = tokenizer(prompts, return_tensors="pt", padding=True)
        with torch.inference_mode():
            written = network.generate(**tokens, **limit, **{"do_sample": False, **options})
        said = tokenizer.batch_decode(written[:, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
        assert len(said) == len(prompts)
        return int(written.shape[1] - tokens["input_ids"].shape[1]) * len(prompts)

    def call(prompt: str = PROMPT, **options: Any) -> int:
        return text.generate(prompt, max_output_tokens=TOKENS, **options).usage.output_tokens or 0

    def stream() -> int:
        return text.stream(PROMPT, max_output_tokens=TOKENS).collect().usage.output_tokens or 0

    async def at_once() -> int:
        async with AsyncHub(settings) as hub:
            calls = (hub.text("a").generate(prompt, max_output_tokens=TOKENS) for prompt in PROMPTS)
            return sum(answer.usage.output_tokens or 0 for answer in await asyncio.gather(*calls))

    return {
        "generate": lambda: bare([PROMPT]),
        "call": call,
        "stream": stream,
        "generate sampled": lambda: bare([PROMPT], do_sample=True, **SAMPLED),
        "sampled": lambda: call(**SAMPLED, seed=7),
        "generate batch": lambda: bare(PROMPTS),
        "at once": lambda: asyncio.run(at_once()),
        "one by one": lambda: sum(map(call, PROMPTS)),
    }


def _settings(path: str, threads: int) -> dict[str, Any]:
    options = {"threads": threads, "prompt": "plain", "batch": ROWS}
    return {"models": {"a": {"model": f"huggingface:{path}"}}, "providers": {"huggingface": options}}


def _turn(turn: int, cases: dict[str, Callable[[], int]], clock: Callable[[], float]) -> dict[str, float]:
    """Tokens a second of each case, now in this order, now in the other."""
    rates = {}
    for name in list(cases)[:: 1 if turn % 2 else -1]:
        started = clock()
        tokens = cases[name]()
        rates[name] = tokens / (clock() - started)
    return rates


def _judged(row: Row, turns: list[dict[str, float]]) -> bool:
    ratio = statistics.median(rates[row.ours] / rates[row.theirs] for rates in turns)
    ours, theirs = (statistics.median(rates[name] for rates in turns) for name in (row.ours, row.theirs))
    met = row.bar is None or ratio >= row.bar
    bar, verdict = ("", "") if row.bar is None else (f"≥ {row.bar:g}", "met" if met else "MISSED")
    print(f"  {row.title:48} {bar:8} {ratio:8.2f} {verdict:8} {ours:.0f} and {theirs:.0f} tok/s")
    return met


def _newcomer(path: str, threads: int) -> float:
    """How long one waits for his first token while seven others are in the middle of their answers."""
    from modelhub import AsyncHub

    async def scene() -> float:
        async with AsyncHub(_settings(path, threads)) as hub:
            text = hub.text("a")
            started = time.perf_counter()
            others = [asyncio.create_task(text.generate(prompt, max_output_tokens=4 * TOKENS)) for prompt in PROMPTS[1:]]
            await asyncio.sleep(0.5)
            came = time.perf_counter()
            stream = text.stream(PROMPT, max_output_tokens=8)
            await anext(stream)
            first = time.perf_counter() - came
            await stream.collect()
            await asyncio.gather(*others)
            return first / ((time.perf_counter() - started) / (4 * TOKENS))

    return statistics.median(asyncio.run(scene()) for _ in range(3))


if __name__ == "__main__":
    sys.exit(main())
