"""AT-C5: whoever stops listening is gone from the server's side at once, however they stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from modelhub.errors import TimedOut
from modelhub.http import HttpRequest
from modelhub.interfaces.content import Message
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive, iterate
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(messages=(Message("user", "？"),))
STALLED = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([{"delta": "東"}, "[DONE]"]), fault="stall")
ENDLESS = Reply(chunks=sse({"delta": "永"} for _ in range(10_000)), chunk_delay=0.005)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.mark.parametrize("reply", [STALLED, ENDLESS], ids=["stalled", "endless"])
def test_a_stream_that_is_left_closes_its_connection(runtime: Driven, make_chat: MakeChat, reply: Reply) -> None:
    """AT-C5: break, then aclose."""
    with FaultServer(reply) as server:
        assert runtime.abandon(make_chat(server.url), QUESTION) is not None
        assert server.wait_for_disconnect(0.5)


def test_breaking_out_of_a_blocking_loop_and_dropping_the_generator_is_enough(make_chat: MakeChat) -> None:
    """AT-C5: generator GC, blocking: nobody calls close."""
    with FaultServer(STALLED) as server:
        for _event in iterate(make_chat(server.url).stream(QUESTION, BlockingRuntime())):
            break
        gc.collect()
        assert server.wait_for_disconnect(0.5)


def test_a_stream_that_is_never_iterated_to_its_end_nor_closed_is_closed_by_the_loop(make_chat: MakeChat) -> None:
    """AT-C5: generator GC, asyncio."""

    async def leave(url: str) -> None:
        events = make_chat(url).stream(QUESTION, AsyncRuntime())
        await anext(events)
        del events
        gc.collect()
        assert await asyncio.to_thread(server.wait_for_disconnect, 0.5)

    with FaultServer(STALLED) as server:
        asyncio.run(leave(server.url))


@pytest.mark.parametrize("at", ["headers", "first", "middle"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_cancelled_task_closes_its_connection(make_chat: MakeChat, at: Any, stream: bool) -> None:
    """AT-C5: task.cancel, wherever the call is waiting."""

    async def cancel(url: str) -> None:
        runtime = AsyncRuntime()
        model = make_chat(url)
        task = asyncio.create_task(_drained(model.stream(QUESTION, runtime)) if stream else model.call(QUESTION, runtime))
        assert await asyncio.to_thread(server.wait_for_requests, 1)
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.wait_for_disconnect, 1)
        assert time.monotonic() - started < 1

    with FaultServer(Reply(chunks=sse([{"delta": "東"}, "[DONE]"]), fault="stall", at=at)) as server:
        asyncio.run(cancel(server.url))


async def _drained(events: AsyncGenerator[Any, None]) -> list[Any]:
    return [event async for event in events]


def test_cancelling_a_gathering_cancels_all_of_it(make_chat: MakeChat) -> None:
    """AT-C5."""

    async def cancel(url: str) -> None:
        runtime = AsyncRuntime()
        model = make_chat(url)
        task = asyncio.create_task(runtime.gather(*[lambda: model.call(QUESTION, runtime)] * 3))
        assert await asyncio.to_thread(server.wait_for_requests, 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for received in server.requests:
            assert await asyncio.to_thread(received.wait_for_disconnect, 0.5)

    with FaultServer(STALLED) as server:
        asyncio.run(cancel(server.url))


INTERRUPTED = """
import signal, sys
from modelhub.http import HttpRequest
from modelhub.model import Timeouts
from modelhub.transport.drive import drive
request = HttpRequest("POST", sys.argv[1] + "/chat", {}, b"{}")
async def go(runtime):
    stream = await runtime.open(request, Timeouts())
    try:
        async for piece in stream.chunks():
            pass
    finally:
        await stream.aclose()
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    if sys.argv[2] == "blocking":
        from modelhub.transport.blocking import BlockingRuntime
        drive(go(BlockingRuntime()))
    else:
        import asyncio
        from modelhub.transport.asynchronous import AsyncRuntime
        asyncio.run(go(AsyncRuntime()))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX")
@pytest.mark.parametrize("manner", ["blocking", "asynchronous"])
def test_an_interrupt_closes_the_connection(manner: str) -> None:
    """AT-C5: SIGINT; the process lives on, the connection does not."""
    with FaultServer(STALLED) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, server.url, manner],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        with process:
            assert server.wait_for_requests(1, 10)
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            assert server.wait_for_disconnect(1)
            out, _ = process.communicate("")
            assert out == "interrupted\n"


def test_many_abandoned_streams_leave_nothing_behind_blocking(make_chat: MakeChat) -> None:
    """AT-C5: 1,000 repetitions leave no busy pool slot and no open file."""
    with FaultServer(STALLED) as server:
        runtime = BlockingRuntime(max_connections=2)
        model = make_chat(server.url)
        Driven(runtime).abandon(model, QUESTION)
        before = open_files()
        for _ in range(1000):
            assert Driven(runtime).abandon(model, QUESTION) == TextDelta("東")
        for received in server.requests:
            assert received.wait_for_disconnect(1)
        assert open_files() <= before
        runtime.close()


def test_many_cancelled_calls_leave_nothing_behind_asynchronous(make_chat: MakeChat) -> None:
    """AT-C5: 1,000 repetitions leave no busy pool slot, no open file and no pending task."""

    async def cancel_many(url: str) -> None:
        runtime = AsyncRuntime(max_connections=2)
        model = make_chat(url)
        for count in range(1, 1001):
            task = asyncio.create_task(_drained(model.stream(QUESTION, runtime)))
            while len(server.requests) < count:  # noqa: ASYNC110  # the server counts in threads of its own
                await asyncio.sleep(0.0005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await runtime.aclose()

    with FaultServer(STALLED) as server:
        before = open_files()
        asyncio.run(cancel_many(server.url))
        for received in server.requests:
            assert received.wait_for_disconnect(1)
        time.sleep(0.05)
        assert open_files() <= before + 1


def test_waiting_for_a_free_connection_is_not_connecting(runtime: Driven) -> None:
    """AT-F3: the queue costs nothing of ``connect``; what runs out there is the total."""
    with FaultServer(Reply(fault="stall", at="headers")) as server:
        narrow = BlockingRuntime(max_connections=1) if runtime.loop is None else AsyncRuntime(max_connections=1)
        request = HttpRequest("POST", server.url + "/", {}, b"")

        async def second() -> None:
            await narrow.sleep(0.1)
            await narrow.send(request, Timeouts(connect=0.05, total=0.2))

        async def two() -> None:
            await narrow.gather(lambda: narrow.send(request, Timeouts(connect=5, total=0.6)), second)

        with pytest.raises(TimedOut) as caught:
            drive(two()) if runtime.loop is None else runtime.loop.run(two())
        assert caught.value.phase == "total"
        assert len(server.requests) == 1, "the second call waited in vain for the first one's connection"


def test_the_server_leaves_no_thread() -> None:
    with FaultServer(STALLED) as server:
        runtime = BlockingRuntime()
        drive(runtime.open(HttpRequest("POST", server.url + "/", {}, b""), Timeouts()))
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-server"]
    runtime.close()
