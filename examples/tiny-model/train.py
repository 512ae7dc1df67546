"""Train a tiny language model from nothing on Markdown, and write it as a GGUF file.

python examples/tiny-model/train.py [--steps 500] [--out tiny.gguf] [FILE ...]

Needs numpy and gguf: pip install gguf. Without files it reads this project's documentation.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each half of a batch has a core; read when numpy is imported

import numpy as np
from export import write
from lessons import conversations
from network import Shape, Weights, initial, lesson, log_probabilities
from numpy.typing import NDArray
from pieces import Pieces

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
HALF = 4
"""Windows of text that one thread learns from in one step; two threads share a step."""
RATE = 4e-3


@dataclass(frozen=True)
class Trained:
    """A model, and how it came to be."""

    weights: Weights
    shape: Shape
    pieces: Pieces
    losses: list[float]
    """Of each step: the mean of -ln p(the right token)."""
    unseen: float
    """The loss on the paragraphs that were kept back."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, default=HERE / "tiny.gguf")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    trained = train(asked.files or sorted(DOCS.rglob("*.md")), asked.steps, asked.seed, tell=True)
    write(asked.out, trained.weights, trained.shape, trained.pieces, asked.out.stem)
    print(f"unseen text: loss {trained.unseen:.2f}")
    print(f"{asked.out}: {asked.out.stat().st_size / 1e6:.1f} MB after {time.monotonic() - started:.0f} s")


def train(
    files: list[Path], steps: int, seed: int = 0, *, vocabulary: int = 1024, shape: Shape | None = None, tell: bool = False
) -> Trained:
    """Learn the vocabulary, then the weights, in so many steps."""
    paragraphs = list(conversations(files))
    pieces = Pieces.learn((text for turns in paragraphs for _, text in turns), vocabulary)
    shape = shape or Shape(pieces.size)
    known, unseen = _parted([pieces.conversation(turns) for turns in paragraphs])
    if tell:
        print(f"{len(paragraphs)} paragraphs, {known.size + unseen.size} tokens of {pieces.size} kinds")
    weights, losses = initial(shape, seed), []
    for step, loss in enumerate(_lessons(weights, shape, known, steps, seed), 1):
        losses.append(loss)
        if tell and (step == 1 or step % 100 == 0):
            print(f"step {step:4}: loss {np.mean(losses[-50:]):.2f}", flush=True)
    return Trained(weights, shape, pieces, losses, _loss(weights, shape, unseen))


def _parted(numbered: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Paragraphs one after another: those that are learnt, and every twentieth, which is not."""
    known = [token for n, tokens in enumerate(numbered) if n % 20 != 19 for token in tokens]
    unseen = [token for tokens in numbered[19::20] for token in tokens]
    return np.array(known), np.array(unseen)


def _lessons(weights: Weights, shape: Shape, text: NDArray[np.int64], steps: int, seed: int) -> Iterator[float]:
    """Adam, with a rate that rises for a moment and then falls to nothing. Changes the weights; gives each step's loss."""
    random = np.random.default_rng(seed)
    mean = {name: np.zeros_like(values) for name, values in weights.items()}
    spread = {name: np.zeros_like(values) for name, values in weights.items()}
    with ThreadPoolExecutor(2) as threads:
        for step in range(1, steps + 1):
            starts = random.integers(0, len(text) - shape.context, (2, HALF, 1))
            loss, gradients = _halves(threads, weights, shape, text[starts + np.arange(shape.context + 1)])
            length = sum(float((values * values).sum()) for values in gradients.values()) ** 0.5
            rate = RATE * min(1, step / 50) * (1 - step / steps) * (1 - 0.99**step) ** 0.5 / (1 - 0.9**step)
            for name, gradient in gradients.items():
                gradient *= min(1, 1 / length)
                mean[name] += 0.1 * (gradient - mean[name])
                spread[name] += 0.01 * (gradient * gradient - spread[name])
                weights[name] -= rate * mean[name] / (np.sqrt(spread[name]) + np.float32(1e-8))
            yield loss


def _halves(threads: Executor, weights: Weights, shape: Shape, windows: NDArray[np.int64]) -> tuple[float, Weights]:
    """One lesson, each half of it on a core."""
    (loss, gradients), (other_loss, others) = threads.map(lambda half: lesson(weights, shape, half), windows)
    return (loss + other_loss) / 2, {name: (gradients[name] + others[name]) / 2 for name in gradients}


def _loss(weights: Weights, shape: Shape, text: NDArray[np.int64]) -> float:
    windows = np.lib.stride_tricks.sliding_window_view(text, shape.context + 1)[:: shape.context]
    foretold = log_probabilities(weights, shape, windows[:, :-1])
    return float(-np.take_along_axis(foretold, windows[:, 1:, None], -1).mean())


if __name__ == "__main__":
    main()
