"""One way to ask a GGUF file, in a process of its own: what to do comes in, a JSON line each, and what it took goes out.

python benchmarks/local_worker.py modelhub|bare MODEL SLOTS, with lines like ``["stream", 200]``. Seconds are the wall's, unless
they are called ``cpu``, which is that of the whole process: the engine's and what stands around it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, NamedTuple, Protocol

import modelhub

__all__: list[str] = []

CONTEXT = 512
BEAT = 0.005
Cost = dict[str, float]


class Told(NamedTuple):
    """One streamed answer."""

    first: float
    """Seconds until its first text."""
    seconds: float
    tokens: int


class Way(Protocol):
    """A way to have the engine stream."""

    def stream(self, prompt: str, tokens: int) -> Told: ...

    def parallel(self, prompts: list[str], tokens: int) -> list[Told]: ...


class Bare:
    """The engine called as its own package calls it, with a callback."""

    def __init__(self, model: str, parallel: int) -> None:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = model
        parameters.n_ctx = CONTEXT * parallel
        parameters.n_parallel = parallel
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        parameters.warmup = False
        parameters.use_jinja = True
        parameters.verbosity = 0
        self._server = xllamacpp.Server(parameters)

    def stream(self, prompt: str, tokens: int) -> Told:
        first, told = 0.0, 0

        def heard(chunk: Any) -> None:
            nonlocal first, told
            for part in chunk if isinstance(chunk, list) else [chunk]:
                told = (part.get("usage") or {}).get("completion_tokens", told)
                if not first and any(choice["delta"].get("content") for choice in part["choices"]):
                    first = time.perf_counter()

        body = {
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": tokens,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        started = time.perf_counter()
        self._server.handle_chat_completions(body, heard)
        return Told(first - started, time.perf_counter() - started, told)

    def parallel(self, prompts: list[str], tokens: int) -> list[Told]:
        with ThreadPoolExecutor(len(prompts)) as threads:
            return list(threads.map(lambda prompt: self.stream(prompt, tokens), prompts))


class Modelhub:
    """The same through modelhub: blocking where one is asked for, awaited where several are."""

    def __init__(self, model: str, parallel: int) -> None:
        self._model = f"llama:{model}"
        self._options = {"providers": {"llama": {"threads": 1, "parallel": parallel, "context_window": CONTEXT}}}
        self._hub = modelhub.Hub(self._options)

    def stream(self, prompt: str, tokens: int) -> Told:
        started = time.perf_counter()
        first, told = 0.0, 0
        for event in self._hub.text(self._model).stream(prompt, **_settings(tokens)):
            if not first and isinstance(event, modelhub.TextDelta):
                first = time.perf_counter()
            if isinstance(event, modelhub.Finished):
                told = event.response.usage.output_tokens or 0
        return Told(first - started, time.perf_counter() - started, told)

    def parallel(self, prompts: list[str], tokens: int) -> list[Told]:
        return asyncio.run(self._crowd(prompts, tokens))

    async def _crowd(self, prompts: list[str], tokens: int) -> list[Told]:
        async with modelhub.AsyncHub(self._options) as hub:
            return await asyncio.gather(*(self._awaited(hub, prompt, tokens) for prompt in prompts))

    async def _awaited(self, hub: modelhub.AsyncHub, prompt: str, tokens: int) -> Told:
        started = time.perf_counter()
        first, told = 0.0, 0
        async for event in hub.text(self._model).stream(prompt, **_settings(tokens)):
            if not first and isinstance(event, modelhub.TextDelta):
                first = time.perf_counter()
            if isinstance(event, modelhub.Finished):
                told = event.response.usage.output_tokens or 0
        return Told(first - started, time.perf_counter() - started, told)

    def beats(self, prompts: list[str], tokens: int) -> list[float]:
        """How much later than it should an event loop wakes up that streams so many answers."""
        return asyncio.run(self._beats(prompts, tokens))

    async def _beats(self, prompts: list[str], tokens: int) -> list[float]:
        late = []
        crowd = asyncio.create_task(self._crowd(prompts, tokens))
        while not crowd.done():
            started = time.perf_counter()
            await asyncio.sleep(BEAT)
            late.append(time.perf_counter() - started - BEAT)
        await crowd
        return late


def _settings(tokens: int) -> Any:
    return {"max_output_tokens": tokens, "temperature": 0, "extra": {"llama": {"ignore_eos": True}}}


def stream(way: Way, tokens: int) -> Cost:
    """Tokens a second of one answer, its prompt and all."""
    cpu = time.process_time()
    told = way.stream(next(PROMPTS), tokens)
    assert told.tokens == tokens, told
    return {"rate": told.tokens / told.seconds, "cpu": (time.process_time() - cpu) / told.tokens}


def first(way: Way, number: int) -> Cost:
    """Seconds to the first text: the median of so many answers."""
    return {"seconds": statistics.median(way.stream(next(PROMPTS), 4).first for _ in range(number))}


def parallel(way: Way, number: int, tokens: int) -> Cost:
    """Tokens a second of so many answers beside each other."""
    prompts = [next(PROMPTS) for _ in range(number)]
    started = time.perf_counter()
    told = way.parallel(prompts, tokens)
    seconds = time.perf_counter() - started
    assert all(each.tokens == tokens for each in told), told
    return {"rate": number * tokens / seconds}


def heartbeat(way: Modelhub, number: int, tokens: int) -> Cost:
    late = sorted(way.beats([next(PROMPTS) for _ in range(number)], tokens))
    return {"p99": late[int(0.99 * len(late))], "p50": statistics.median(late), "beats": float(len(late))}


def _prompts() -> Iterator[str]:
    """Each begins differently, so that nothing of it is remembered."""
    for number in count():
        yield f"{number * 7919 % 9973} lighthouses stand on the coast. Which of them can be seen from the harbour at night?"


PROMPTS = _prompts()
WAYS: dict[str, Callable[[str, int], Any]] = {"bare": Bare, "modelhub": Modelhub}
CASES: dict[str, Callable[..., Cost]] = {case.__name__: case for case in (stream, first, parallel, heartbeat)}


def main(name: str, model: str, slots: str) -> None:
    way = WAYS[name](model, int(slots))
    for line in sys.stdin:
        case, *arguments = json.loads(line)
        print(json.dumps(CASES[case](way, *arguments)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
