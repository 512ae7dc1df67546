"""Connections kept for the next request, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from modelhub.errors import Unreachable
from modelhub.http import HttpRequest
from modelhub.model import Timeouts
from modelhub.testing.server import FaultServer, Reply
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive

QUICK = Timeouts(connect=2, first_token=2, idle=2, total=4)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(Reply(json={})) as server:
        yield server


def get(runtime: BlockingRuntime, server: FaultServer) -> None:
    assert drive(runtime.send(HttpRequest("GET", server.url + "/"), QUICK)).status == 200


def test_an_idle_connection_is_kept_for_so_long_and_no_longer(server: FaultServer) -> None:
    runtime = BlockingRuntime(keepalive=0.1)
    get(runtime, server)
    get(runtime, server)
    assert server.connections == 1
    time.sleep(0.15)
    get(runtime, server)
    assert server.connections == 2
    assert server.requests[0].wait_for_disconnect(0.5)
    runtime.close()


def test_an_old_connection_to_one_server_is_closed_when_another_is_called(server: FaultServer) -> None:
    runtime = BlockingRuntime(keepalive=0.05)
    with FaultServer(Reply(json={})) as other:
        get(runtime, other)
        time.sleep(0.1)
        get(runtime, server)
        assert other.wait_for_disconnect(0.5)
    runtime.close()


def test_no_more_connections_than_allowed_are_in_use_and_each_caller_gets_its_turn(server: FaultServer) -> None:
    server.on("/", Reply(json={}, delay=0.05))

    async def many(runtime: BlockingRuntime | AsyncRuntime) -> None:
        request = HttpRequest("GET", server.url + "/")
        answers = await runtime.gather(*[lambda: runtime.send(request, QUICK)] * 12)
        assert [answer.status for answer in answers] == [200] * 12

    for runtime in (BlockingRuntime(max_connections=3), AsyncRuntime(max_connections=3)):
        before = server.connections
        drive(many(runtime)) if isinstance(runtime, BlockingRuntime) else asyncio.run(many(runtime))
        assert server.connections - before == 3
        if isinstance(runtime, BlockingRuntime):
            runtime.close()


def test_failed_connections_take_no_place() -> None:
    with FaultServer() as server:
        url = server.url
    request = HttpRequest("GET", url)

    async def fail_often(runtime: BlockingRuntime | AsyncRuntime) -> None:
        for _ in range(5):
            with pytest.raises(Unreachable):
                await runtime.send(request, replace(QUICK, total=1))

    drive(fail_often(BlockingRuntime(max_connections=1)))
    asyncio.run(fail_often(AsyncRuntime(max_connections=1)))


def test_closing_the_runtime_ends_what_is_under_way(server: FaultServer) -> None:
    server.on("/", Reply(chunks=[b"a", b"b"], fault="stall"))
    runtime = BlockingRuntime()
    stream = drive(runtime.open(HttpRequest("GET", server.url + "/"), QUICK))
    runtime.close()
    assert server.wait_for_disconnect(0.5)
    drive(stream.aclose())


def test_five_hundred_calls_at_once_take_little_longer_than_one(server: FaultServer) -> None:
    """AT-F3 in small: taking a connection costs the same however many there are."""
    server.on("/", Reply(json={}, delay=0.3))

    async def all_at_once() -> float:
        runtime = AsyncRuntime()
        request = HttpRequest("GET", server.url + "/")
        used = 0.0
        for _ in range(2):
            started = time.process_time()
            await runtime.gather(*[lambda: runtime.send(request, Timeouts())] * 300)
            used = time.process_time() - started
        return used

    assert asyncio.run(all_at_once()) < 3.0  # the library's pool: 7 times as much
