"""AT-F3, AT-F6: very many calls at once, and very many one after another. How fast they are is the benchmarks' matter."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelhub.errors import ModelhubError, TimedOut
from modelhub.http import HttpRequest
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(
    messages=(Message("user", "日本の首都は？"),), timeouts=Timeouts(connect=10, first_token=30, idle=30, total=60)
)
MANY = 1000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n"


class Crowd:
    """A server in the same loop that lets nobody go before all have come: whoever waits its turn waits for ever."""

    def __init__(self, most: int, latency: float) -> None:
        self.here = self.highest = 0
        self._most = most
        self._latency = latency
        self._full = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                await reader.readexactly(length)
                self.here += 1
                self.highest = max(self.highest, self.here)
                if self.here >= self._most:
                    self._full.set()
                await self._full.wait()
                await asyncio.sleep(self._latency)
                self.here -= 1
                writer.write(HEAD + b'{"text": "abcd"}')
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


async def crowded(runtime: AsyncRuntime, make_chat: MakeChat, calls: int, crowd: Crowd, question: TextRequest) -> list[Any]:
    server = await asyncio.start_server(crowd.serve, "127.0.0.1", 0, backlog=2 * MANY)
    model = make_chat(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        return await asyncio.gather(*(model.call(question, runtime) for _ in range(calls)), return_exceptions=True)
    finally:
        await runtime.aclose()
        server.close()
        await crowd.close()


@pytest.mark.skipif(not hasattr(os, "sysconf") or os.sysconf("SC_OPEN_MAX") < 2 * MANY + 200, reason="too few open files")
def test_a_thousand_calls_are_in_flight_at_once(make_chat: MakeChat) -> None:
    """AT-F3: in the default runtime. The server answers nobody before all thousand are there; none fails or waits in vain."""

    async def main() -> tuple[list[Any], Crowd]:
        crowd = Crowd(MANY, latency=0.05)
        return await crowded(AsyncRuntime(), make_chat, MANY, crowd, QUESTION), crowd

    outcomes, crowd = asyncio.run(main())
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert {outcome.text for outcome in outcomes} == {"abcd"}
    assert crowd.highest == MANY


def test_who_waits_for_a_turn_loses_nothing_of_the_time_to_connect(make_chat: MakeChat) -> None:
    """AT-F3: 60 calls over 3 connections take twenty turns of 0.05 s; each had but 0.5 s to connect, and none ran out."""
    hurried = TextRequest(messages=QUESTION.messages, timeouts=Timeouts(connect=0.5, first_token=None, idle=0.5, total=30))

    async def main() -> tuple[list[Any], float, Crowd]:
        crowd, started = Crowd(0, latency=0.05), time.monotonic()
        outcomes = await crowded(AsyncRuntime(max_connections=3), make_chat, 60, crowd, hurried)
        return outcomes, time.monotonic() - started, crowd

    outcomes, seconds, crowd = asyncio.run(main())
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert seconds >= 1.0
    assert crowd.highest == 3


def test_who_waits_for_a_turn_too_long_is_told_of_the_total(make_chat: MakeChat) -> None:
    """AT-F3: a queue has no time-out of its own, and its end is no error of a pool."""
    short = TextRequest(messages=QUESTION.messages, timeouts=Timeouts(connect=0.1, first_token=None, idle=None, total=0.4))

    async def main() -> list[Any]:
        return await crowded(AsyncRuntime(max_connections=1), make_chat, 4, Crowd(0, latency=0.25), short)

    late = [outcome for outcome in asyncio.run(main()) if isinstance(outcome, Exception)]
    assert late
    assert {(type(error), getattr(error, "phase", "")) for error in late} == {(TimedOut, "total")}


def sockets() -> int:
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.readlink(link).startswith("socket:") for link in links if Path(link).is_symlink())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list a process's files")
def test_abandoned_streams_errors_and_calls_leave_nothing_behind(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-F6: of 20 streams, 10 abandoned; 10 calls and 5 errors a round. After the first rounds, no object or socket more."""
    deltas = sse([{"delta": "東"}, {"delta": "京"}, "[DONE]"])
    with FaultServer() as server:
        server.on("/chat", Reply(headers={"content-type": "text/event-stream"}, chunks=deltas))
        server.on("/call", Reply(json={"text": "東京"}))
        server.on("/error", Reply(500, json={"error": "壊れた"}, close=True))  # else the server would remember them
        streamed, called, failing = (make_chat(server.url, path=path) for path in ("/chat", "/call", "/error"))

        def a_round() -> int:
            for _ in range(10):
                runtime.abandon(streamed, QUESTION)
                runtime.stream(streamed, QUESTION)
                runtime.call(called, QUESTION)
            for _ in range(5):
                with pytest.raises(ModelhubError):
                    runtime.call(failing, QUESTION)
            server.requests.clear()
            gc.collect()
            return len(gc.get_objects())

        before = sockets()
        counts = [a_round() for _ in range(6)]
        assert counts[-1] - counts[2] < 100, f"150 exchanges left objects behind: {counts}"
        assert sockets() - before <= 2, "one kept connection has two ends here"


def test_an_error_keeps_neither_its_request_nor_its_connection_alive(runtime: Driven, fault_server: FaultServer) -> None:
    """AT-F6: whoever collects errors does not collect prompts."""
    fault_server.on("/", Reply(fault="cut", at="headers"))

    async def send() -> Any:
        return await runtime.runtime.send(HttpRequest("POST", f"{fault_server.url}/", body=b"x" * 1000), QUESTION.timeouts)

    class Ask:
        async def call(self, _: Any, __: Any) -> Any:
            return await send()

    with pytest.raises(ModelhubError) as caught:
        runtime.call(Ask(), QUESTION)  # type: ignore[arg-type]
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
