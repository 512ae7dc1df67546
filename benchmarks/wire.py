"""The wire, side by side: what a call, an event, a thousand calls at once, vectors and memory cost us and our peers.

python benchmarks/wire.py [--quick] [--turns N] [--only WORD]

All peers talk to one server on the loopback, which is a process of its own, and take turns; each figure is the median of its
turns, each ratio the median of the ratios turn by turn: on a machine that slows down, both sides do. A peer that is not
installed is named and skipped: ``pip install -r benchmarks/requirements.txt`` has them all. ``--quick`` leaves out the slow
peers and most of the repetitions. The table is drawn into ``benchmarks/results/wire.png``.
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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from wire_peers import PEERS
from wire_server import certificate

HERE = Path(__file__).parent
OURS = "modelhub"
BASIS = ("modelhub", "httpx", "aiohttp")


@dataclass(frozen=True)
class Trial:
    """Something that each peer does in each turn. ``fresh``: in a new process."""

    command: tuple[Any, ...]
    quick: tuple[Any, ...]
    method: str
    tls: bool = False
    fresh: bool = False
    most: int = 99
    """How many turns are enough, of the slow ones."""


@dataclass(frozen=True)
class Row:
    """A line of the table: one figure of a trial, ours over the reference's, or ours itself where there is none."""

    title: str
    trial: str
    figure: str
    scale: float
    unit: str
    reference: str | None
    bar: float | None
    at_least: bool = False


TRIALS = {
    "call": Trial(("calls", 300), ("calls", 100), "call"),
    "each": Trial(("events", "each", 30), ("events", "each", 10), "stream"),
    "coalesced": Trial(("events", "coalesced", 30), ("events", "coalesced", 10), "stream"),
    "flight": Trial(("in_flight", 2000), ("in_flight", 1000), "asynchronous", most=3),
    "flight, TLS": Trial(("in_flight", 2000), ("in_flight", 1000), "asynchronous", tls=True, most=2),
    "base64": Trial(("vectors", "base64", 1), ("vectors", "base64", 1), "embed"),
    "floats": Trial(("vectors", "floats", 1), ("vectors", "floats", 1), "embed", most=5),
    "base64, peak": Trial(("peak", "base64"), ("peak", "base64"), "embed", fresh=True, most=3),
    "floats, peak": Trial(("peak", "floats"), ("peak", "floats"), "embed", fresh=True, most=3),
    "memory": Trial(("memory", 20_000), ("memory", 4_000), "call", fresh=True, most=1),
    "abandoned": Trial(("abandoned", 1000), ("abandoned", 200), "stream", fresh=True, most=1),
    "abandoned, awaited": Trial(("abandoned_in_flight", 1000), ("abandoned_in_flight", 200), "streamed", fresh=True, most=1),
}
ROWS = (
    Row("a call", "call", "cpu", 1e6, "µs CPU", "httpx", 0.75),
    Row("an event, each in a chunk", "each", "cpu", 1e6, "µs CPU", "httpx", 1.0),
    Row("an event, twenty in a chunk", "coalesced", "cpu", 1e6, "µs CPU", "httpx", 0.75),
    Row("1,000 in flight: calls/s", "flight", "rate", 1, "calls/s", "aiohttp", 0.5, at_least=True),
    Row("1,000 in flight: a call", "flight", "cpu", 1e6, "µs CPU", "httpx", 0.17),
    Row("1,000 in flight: p99", "flight", "p99", 1e3, "ms", "httpx", 0.05),
    Row("the same with TLS: calls/s", "flight, TLS", "rate", 1, "calls/s", "aiohttp", None, at_least=True),
    Row("the same with TLS: a call", "flight, TLS", "cpu", 1e6, "µs CPU", "httpx", None),
    Row("the same with TLS: p99", "flight, TLS", "p99", 1e3, "ms", "httpx", None),
    Row("2,048 vectors, base64", "base64", "cpu", 1e3, "ms CPU", "httpx", 1.05),
    Row("2,048 vectors, JSON floats", "floats", "cpu", 1e3, "ms CPU", "httpx", 0.4),
    Row("2,048 vectors, base64: peak memory", "base64, peak", "mib", 1, "MiB", "httpx", 1.1),
    Row("2,048 vectors, JSON floats: peak memory", "floats, peak", "mib", 1, "MiB", "httpx", 1.1),
    Row("memory after 20,000 calls", "memory", "mib", 1, "MiB", "httpx", 1.25),
    Row("growth in 1,000 calls", "memory", "kib_each_thousand", 1, "KiB", None, 2.0),
    Row("sockets of 1,000 abandoned streams", "abandoned", "sockets", 1, "", None, 0.0),
    Row("the same, awaited, at once", "abandoned, awaited", "sockets", 1, "", None, 0.0),
)
Cost = dict[str, float]
Costs = dict[tuple[str, str], list[Cost]]
Worker = Callable[[tuple[Any, ...]], Cost]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--turns", type=int, default=11)
    parser.add_argument("--only", default="", help="trials whose name has this word")
    parser.add_argument("--peers", nargs="*", choices=[name for name in PEERS if name != OURS])
    asked = parser.parse_args()
    names = [OURS, *(asked.peers if asked.peers is not None else BASIS[1:] if asked.quick else list(PEERS)[1:])]
    costs = measured(installed(names), 3 if asked.quick else asked.turns, asked.quick, asked.only)
    lines = [line for row in ROWS if (line := judged(row, costs)) is not None]
    print(*(line.text() for line in lines), sep="\n")
    if not asked.only:
        from wire_chart import draw

        draw(lines, HERE / "results" / ("wire-quick.png" if asked.quick else "wire.png"))
    return 0 if all(line.met is not False for line in lines) else 1


def installed(names: list[str]) -> list[str]:
    """The peers that are here, each told with its version."""
    found = []
    for name in names:
        try:
            print(f"{name:10} {version(PEERS[name].package)}")
            found.append(name)
        except PackageNotFoundError:
            print(f"{name:10} is not installed: skipped (pip install {PEERS[name].package})")
    return found


def measured(names: list[str], turns: int, quick: bool, only: str) -> Costs:
    """What each trial cost each peer, turn by turn."""
    costs: Costs = {}
    with tempfile.TemporaryDirectory() as folder:
        for title, trial in TRIALS.items():
            if only in title:
                print(f"... {title}", file=sys.stderr)
                able = [name for name in names if hasattr(PEERS[name], trial.method)]
                taken = _taken(trial, able, folder, min(turns, trial.most), quick)
                costs.update({(title, name): taken[name] for name in taken})
    return costs


def _taken(trial: Trial, names: list[str], folder: str, turns: int, quick: bool) -> dict[str, list[Cost]]:
    """The costs of one trial. A peer that fails has said why, and is left out."""
    pair = certificate(folder) if trial.tls else []
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    with ExitStack() as kept, server(pair) as url:
        peers: dict[str, Worker] = {}
        for _ in range(turns):
            for name in tuple(costs):
                try:
                    costs[name].append(_turn(trial, name, url, pair, kept, peers, quick))
                except Failed:
                    del costs[name]
    return costs


def _turn(trial: Trial, name: str, url: str, pair: list[str], kept: ExitStack, peers: dict[str, Worker], quick: bool) -> Cost:
    command = trial.quick if quick else trial.command
    if trial.fresh:
        with worker(name, url, pair) as peer:
            return peer(command)
    if name not in peers:
        peers[name] = kept.enter_context(worker(name, url, pair))
        if trial.method != "asynchronous":  # which has a rehearsal of its own
            peers[name](trial.quick)
    return peers[name](command)


class Failed(Exception):
    """A peer went wrong, and has said how."""


@contextmanager
def server(pair: list[str]) -> Iterator[str]:
    with _process(["wire_server.py", *pair], {}) as (_, answers):
        yield f"http{'s' if pair else ''}://127.0.0.1:{int(answers.readline())}/v1"


@contextmanager
def worker(name: str, url: str, pair: list[str]) -> Iterator[Worker]:
    trust = {"SSL_CERT_FILE": pair[0]} if pair else {}
    with _process(["wire_worker.py", name, url], trust) as (orders, answers):

        def do(command: tuple[Any, ...]) -> Cost:
            with suppress(BrokenPipeError):
                print(json.dumps(command), file=orders, flush=True)
            if not (answer := answers.readline()):
                raise Failed(name)
            cost: Cost = json.loads(answer)
            if "wall" in cost:
                cost["rate"] = 1 / cost["wall"]
            return cost

        do(("ready",))
        yield do


@contextmanager
def _process(arguments: list[str], trust: dict[str, str]) -> Iterator[tuple[IO[str], IO[str]]]:
    environment = {**os.environ, "NO_PROXY": "*", **trust}
    command = [sys.executable, str(HERE / arguments[0]), *arguments[1:]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
        finally:
            process.stdin.close()
            process.stdout.close()


@dataclass(frozen=True)
class Line:
    """A row with its figures: those of each peer, and their ratios to the reference's."""

    row: Row
    figures: dict[str, float]
    ratios: dict[str, float]

    @property
    def met(self) -> bool | None:
        """``None`` where nothing is asked."""
        if self.row.bar is None:
            return None
        value = self.ratios[OURS]
        return value >= self.row.bar if self.row.at_least else value <= self.row.bar

    def text(self) -> str:
        verdict = {None: "reported", True: "met", False: "MISSED"}[self.met]
        bar = "" if self.row.bar is None else f"{'≥' if self.row.at_least else '≤'} {self.row.bar:g}"
        shown = "  ".join(f"{name} {self.ratios[name]:.3g} ({figure:.0f})" for name, figure in self.figures.items())
        return f"{self.row.title:40} {bar:7} {verdict:9} {shown} {self.row.unit}"


def judged(row: Row, costs: Costs) -> Line | None:
    """The line of a row; ``None`` where it was not measured, or its reference was not."""
    found = {name: [cost[row.figure] for cost in taken] for (trial, name), taken in costs.items() if trial == row.trial}
    if OURS not in found or (row.reference is not None and row.reference not in found):
        return None
    figures = {name: row.scale * statistics.median(values) for name, values in found.items()}
    if row.reference is None:
        return Line(row, figures, figures)
    basis = found[row.reference]
    ratios = {
        name: statistics.median(own / other for own, other in zip(values, basis, strict=True)) for name, values in found.items()
    }
    return Line(row, figures, ratios)


if __name__ == "__main__":
    sys.exit(main())
