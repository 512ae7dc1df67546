"""The scripted runtime keeps the promises of the real ones, without sockets and without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from modelhub.errors import Unreachable
from modelhub.http import Headers, HttpRequest, HttpResponse
from modelhub.model import Runtime, Timeouts
from modelhub.testing import FakeRuntime
from modelhub.transport.drive import drive

ASK = HttpRequest("POST", "https://example.invalid/v1/chat")


def in_both_ways(work: Callable[[FakeRuntime], Awaitable[Any]], make: Callable[[], FakeRuntime]) -> list[Any]:
    async def run(runtime: FakeRuntime) -> Any:
        return await work(runtime)

    return [drive(run(make())), asyncio.run(run(make()))]


def test_it_is_a_runtime() -> None:
    runtime: Runtime = FakeRuntime()
    assert runtime.now() == 0.0


def test_answers_come_in_the_order_of_the_requests() -> None:
    async def ask_twice(runtime: FakeRuntime) -> list[int]:
        return [(await runtime.send(ASK, Timeouts())).status for _ in range(2)]

    assert in_both_ways(ask_twice, lambda: FakeRuntime([HttpResponse(429), HttpResponse(200)])) == [[429, 200]] * 2


def test_an_answer_may_depend_on_the_request() -> None:
    runtime = FakeRuntime(lambda request: HttpResponse(200, body=request.method.encode()))
    assert drive(runtime.send(ASK, Timeouts())).body == b"POST"


def test_it_keeps_what_was_sent() -> None:
    runtime = FakeRuntime([HttpResponse(200)])
    drive(runtime.send(ASK, Timeouts(total=3)))
    assert (runtime.requests, runtime.timeouts) == ([ASK], [Timeouts(total=3)])


def test_an_exception_in_the_script_is_raised_in_its_turn() -> None:
    with pytest.raises(Unreachable, match="gone"):
        drive(FakeRuntime([Unreachable("gone")]).send(ASK, Timeouts()))


def test_a_request_beyond_the_script_says_what_to_do() -> None:
    with pytest.raises(AssertionError, match=r"Request 1 \(POST https://example.invalid/v1/chat\) has no answer"):
        drive(FakeRuntime().send(ASK, Timeouts()))


def test_a_stream_gives_its_pieces_and_then_its_exception() -> None:
    async def read(runtime: FakeRuntime) -> list[object]:
        stream = await runtime.open(ASK, Timeouts())
        seen: list[object] = []
        try:
            async for piece in stream.chunks():
                seen.append(piece)  # noqa: PERF401  # what came before the exception counts
        except Unreachable as error:
            seen.append(error.message)
        await stream.aclose()
        return [*seen, stream.closed]

    expected = ["日".encode(), "本".encode(), "cut", True]
    script = lambda: FakeRuntime([["日".encode(), "本".encode(), Unreachable("cut")]])  # noqa: E731
    assert in_both_ways(read, script) == [expected] * 2


def test_a_whole_answer_can_be_opened_with_its_status() -> None:
    runtime = FakeRuntime([HttpResponse(503, Headers({"Retry-After": "2"}), b"busy")])
    stream = drive(runtime.open(ASK, Timeouts()))
    assert (stream.status, stream.headers["retry-after"], drive(stream.read())) == (503, "2", b"busy")
    assert runtime.streams == [stream]


def test_sleep_moves_the_clock_and_does_not_wait() -> None:
    async def nap(runtime: FakeRuntime) -> tuple[float, list[float]]:
        await runtime.sleep(3600)
        await runtime.sleep(0.5)
        return runtime.now(), runtime.sleeps

    assert in_both_ways(nap, FakeRuntime) == [(3600.5, [3600, 0.5])] * 2


def test_gather_runs_every_call_before_it_raises_the_first_error() -> None:
    ended: list[str] = []

    async def call(name: str) -> str:
        ended.append(name)
        if name in ("b", "c"):
            raise ValueError(name)
        return name

    with pytest.raises(ValueError, match=r"^b$"):
        drive(FakeRuntime().gather(lambda: call("a"), lambda: call("b"), lambda: call("c"), lambda: call("d")))
    assert ended == ["a", "b", "c", "d"]


def test_a_thread_is_the_calling_one() -> None:
    import threading

    assert drive(FakeRuntime().in_thread(threading.get_ident)) == threading.get_ident()
