"""One peer in a process of its own: what to do comes in, a JSON line each, and what it cost goes out.

python benchmarks/wire_worker.py PEER URL, with lines like ``["call", 200]``. Seconds are CPU seconds of this process unless
they are called ``wall``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
from wire_peers import PEERS
from wire_server import DIMENSIONS, EVENTS, TEXT

__all__: list[str] = []

CALLS_IN_FLIGHT = 1000
TEXTS = 2048
LONG_ENOUGH = 3.0
"""Seconds after which a slow moment of the machine no longer decides."""
Cost = dict[str, float]


def calls(peer: Any, number: int) -> Cost:
    return _each(number, lambda: _expect(peer.call(), TEXT))


def events(peer: Any, model: str, number: int) -> Cost:
    """So many streams; the cost is that of one event."""
    expected = "".join(f" word{word} 灯" for word in range(EVENTS))
    cost = _each(number, lambda: _expect("".join(peer.stream(model)), expected))
    return {"cpu": cost["cpu"] / EVENTS}


def vectors(peer: Any, form: str, number: int) -> Cost:
    texts = [f"A text about lighthouse number {line}." for line in range(TEXTS)]
    return _each(number, lambda: _expect(peer.embed(form, texts).shape, (TEXTS, DIMENSIONS)))


def peak(peer: Any, form: str) -> Cost:
    """MiB that one such call adds, at its peak, to what the process holds after a smaller one. Run it in a fresh process."""
    peer.embed(form, ["a text"] * (TEXTS // 16))
    before = _resident()
    vectors(peer, form, 1)
    return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before}


def in_flight(peer: Any, number: int) -> Cost:
    """``CALLS_IN_FLIGHT`` at any moment, on connections that are already open: so many calls, and again until it was long."""
    return asyncio.run(_in_flight(peer, number))


async def _in_flight(peer: Any, number: int) -> Cost:
    async with peer.asynchronous() as call:
        await _crowd(call, CALLS_IN_FLIGHT)
        cpu, wall = _cpu(), time.perf_counter()
        waits: list[float] = []
        while time.perf_counter() - wall < LONG_ENOUGH:
            waits += await _crowd(call, number)
        cpu, wall = _cpu() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / len(waits), "wall": wall / len(waits), "p99": sorted(waits)[int(0.99 * len(waits))]}


async def _crowd(call: Callable[[], Any], number: int) -> list[float]:
    waits = []
    left = iter(range(number))

    async def one() -> None:
        for _ in left:
            started = time.perf_counter()
            _expect(await call(), TEXT)
            waits.append(time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(CALLS_IN_FLIGHT)))
    return waits


def memory(peer: Any, number: int) -> Cost:
    """MiB after so many calls, and KiB that each thousand adds after the first quarter."""
    calls(peer, number // 4)
    gc.collect()
    before = _resident()
    calls(peer, number - number // 4)
    gc.collect()
    after = _resident()
    return {"mib": after, "kib_each_thousand": 1024 * (after - before) / (number - number // 4) * 1000}


def abandoned(peer: Any, number: int) -> Cost:
    """Sockets open after so many streams were left after their first event, with nobody closing anything."""
    for _ in range(number):
        _expect(bool(next(iter(peer.stream("endless")))), True)
    gc.collect()
    return {"sockets": float(_sockets())}


def abandoned_in_flight(peer: Any, number: int) -> Cost:
    """The same, awaited, all at once; counted while the event loop still runs."""
    return asyncio.run(_abandoned_in_flight(peer, number))


async def _abandoned_in_flight(peer: Any, number: int) -> Cost:
    async def one() -> None:
        async for text in peer.streamed("endless"):
            _expect(bool(text), True)
            break

    await asyncio.gather(*(one() for _ in range(number)))
    for _ in range(100):
        gc.collect()
        await asyncio.sleep(0.02)
        if not _sockets():
            break
    return {"sockets": float(_sockets())}


def ready(_peer: Any) -> Cost:
    """Imported, and made."""
    return {"seconds": _cpu()}


def _each(number: int, do: Callable[[], None]) -> Cost:
    start = _cpu()
    for _ in range(number):
        do()
    return {"cpu": (_cpu() - start) / number}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _resident() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def _sockets() -> int:
    return sum(1 for connection in psutil.Process().net_connections("tcp") if connection.status == psutil.CONN_ESTABLISHED)


def _expect(got: Any, expected: Any) -> None:
    """An answer that is wrong is not fast."""
    if got != expected:
        raise SystemExit(f"{sys.argv[1]} answered {got!r:.200}")


CASES: dict[str, Callable[..., Cost]] = {
    case.__name__: case for case in (ready, calls, events, vectors, peak, in_flight, memory, abandoned, abandoned_in_flight)
}


def main(name: str, url: str) -> None:
    peer = PEERS[name](url)
    for line in sys.stdin:
        case, *arguments = json.loads(line)
        print(json.dumps(CASES[case](peer, *arguments)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
