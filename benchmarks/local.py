"""What modelhub costs around an engine in this process: tokens a second, the first token, answers at once, the event loop.

python benchmarks/local.py [--quick] [--turns N]

The peer is the same engine with the same settings, called as its own package calls it (xllamacpp's ``handle_chat_completions``
with a callback). Each side is a process of its own, and they take turns; each ratio is the median of the ratios turn by turn.
Two models of random numbers: one whose token costs what one of a small real model does, and one that costs next to nothing, so
that what stands around it shows. Needs ``pip install xllamacpp gguf -e plugins/openai -e plugins/llama``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "examples" / "tiny-model"))

SLOTS = 8
Cost = dict[str, float]
Worker = Callable[[list[Any]], Cost]


@dataclass(frozen=True)
class Size:
    """A model. ``tokens`` of an answer keep the turns short."""

    width: int
    layers: int
    inner: int
    tokens: int
    held_to: bool
    """Whether the bars are meant for it."""


SIZES = {"small": Size(512, 8, 1408, 128, held_to=True), "tiny": Size(64, 2, 128, 256, held_to=False)}


@dataclass(frozen=True)
class Row:
    title: str
    case: str
    figure: str
    bar: float
    at_least: bool


ROWS = (
    Row("tokens a second, streamed", "stream", "rate", 0.95, at_least=True),
    Row("first token", "first", "seconds", 1.1, at_least=False),
    Row(f"{SLOTS} answers at once: tokens a second", "parallel", "rate", 0.95, at_least=True),
)
BEAT_BAR = 0.050


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--turns", type=int, default=9)
    asked = parser.parse_args()
    print(*(f"{name} {version(name)}" for name in ("xllamacpp", "modelhub-llama")), sep="; ")
    missed = [name for name, size in SIZES.items() if not _met(name, size, 3 if asked.quick else asked.turns)]
    return 1 if missed else 0


def _met(name: str, size: Size, turns: int) -> bool:
    """Measure one model, print its lines, and tell whether it keeps the bars that it is held to."""
    cases: dict[str, list[Any]] = {
        "stream": ["stream", size.tokens],
        "first": ["first", 8],
        "parallel": ["parallel", SLOTS, size.tokens // 2],
    }
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/{name}.gguf"
        write(model, size)
        with worker("modelhub", model) as ours, worker("bare", model) as bare:
            for side in (ours, bare):
                for command in cases.values():
                    side(command)
            taken = {case: [_turn(turn, ours, bare, command) for turn in range(turns)] for case, command in cases.items()}
            beats = [ours(["heartbeat", SLOTS, size.tokens]) for _ in range(turns)]
    print(f"\n{name}: {size.layers} layers of {size.width}, f16, one thread")
    met = [_judged(row, taken[row.case], size) for row in ROWS]
    p99 = statistics.median(beat["p99"] for beat in beats)
    count = sum(beat["beats"] for beat in beats)
    print(f"  {'event loop late, p99, meanwhile':40} {'≤ 50 ms':9} {1000 * p99:8.1f} ms of {count:.0f} beats")
    cpu = statistics.median(ours["cpu"] / bare["cpu"] for ours, bare in taken["stream"])
    print(f"  {'CPU of a token, engine and all':40} {'':9} {cpu:8.2f}")
    return not size.held_to or (all(met) and p99 <= BEAT_BAR)


def _turn(turn: int, ours: Worker, bare: Worker, command: list[Any]) -> tuple[Cost, Cost]:
    """One after the other, now this one first, now that one."""
    if turn % 2:
        theirs = bare(command)
        return ours(command), theirs
    return ours(command), bare(command)


def _judged(row: Row, taken: list[tuple[Cost, Cost]], size: Size) -> bool:
    ratio = statistics.median(ours[row.figure] / bare[row.figure] for ours, bare in taken)
    own, theirs = (statistics.median(pair[side][row.figure] for pair in taken) for side in (0, 1))
    met = ratio >= row.bar if row.at_least else ratio <= row.bar
    bar = f"{'≥' if row.at_least else '≤'} {row.bar:g}"
    verdict = ("met" if met else "MISSED") if size.held_to else "reported"
    unit, scale = ("tok/s", 1) if row.figure == "rate" else ("ms", 1000)
    print(f"  {row.title:40} {bar:9} {ratio:8.2f} {verdict:8} modelhub {own * scale:.1f}, bare {theirs * scale:.1f} {unit}")
    return met


def write(path: str, size: Size) -> None:
    """A model of random numbers."""
    from export import write as export
    from network import Shape, initial
    from pieces import FIRST_PIECE, SPACE, Pieces

    pieces = Pieces((SPACE, *map(chr, range(33, 127))))
    shape = Shape(FIRST_PIECE + 95, size.width, size.layers, size.width // 64, size.inner)
    export(Path(path), initial(shape, 0), shape, pieces, Path(path).stem)


@contextmanager
def worker(name: str, model: str) -> Iterator[Worker]:
    command = [sys.executable, str(HERE / "local_worker.py"), name, model, f"{SLOTS}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ, encoding="utf-8"
    ) as process:
        orders, answers = process.stdin, process.stdout
        assert orders is not None
        assert answers is not None

        def do(command: list[Any]) -> Cost:
            print(json.dumps(command), file=orders, flush=True)
            line = answers.readline()
            assert line, f"{name} ended: run it by hand to see why."
            cost: Cost = json.loads(line)
            return cost

        try:
            yield do
        finally:
            orders.close()
            process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
