"""``Runtime.wait``: what another thread computes, waited for in either runtime."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from modelhub.clients.streams import Stream
from modelhub.errors import StreamBroken
from modelhub.model import Finished, Response
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive


def waited(runtime: str, future: Future[str], seconds: float | None = None) -> str:
    if runtime == "blocking":
        return drive(BlockingRuntime().wait(future, seconds))

    async def main() -> str:
        return await AsyncRuntime().wait(future, seconds)

    return asyncio.run(main())


@pytest.fixture(params=["blocking", "asyncio"])
def runtime(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_what_a_thread_computes_comes_back(runtime: str) -> None:
    with ThreadPoolExecutor(1) as other:
        assert waited(runtime, other.submit(lambda: "灯台")) == "灯台"


def test_what_a_thread_raises_is_raised(runtime: str) -> None:
    with ThreadPoolExecutor(1) as other, pytest.raises(LookupError, match="灯台"):
        waited(runtime, other.submit(lambda: (_ for _ in ()).throw(LookupError("灯台"))))


def test_who_has_waited_long_enough_leaves_and_what_has_not_begun_never_begins(runtime: str) -> None:
    future: Future[str] = Future()
    with pytest.raises(TimeoutError):
        waited(runtime, future, 0.05)
    assert future.cancelled()


def test_a_task_that_is_cancelled_cancels_the_future() -> None:
    future: Future[str] = Future()

    async def main() -> None:
        task = asyncio.create_task(AsyncRuntime().wait(future))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert future.cancelled()


def test_a_hundred_tasks_wait_on_no_thread() -> None:
    futures: list[Future[str]] = [Future() for _ in range(100)]

    async def main() -> list[str]:
        runtime = AsyncRuntime()
        tasks = [asyncio.create_task(runtime.wait(future)) for future in futures]
        await asyncio.sleep(0.01)
        threads = threading.active_count()
        for number, future in enumerate(futures):
            future.set_result(str(number))
        assert threads < 20
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [str(number) for number in range(100)]


def test_ctrl_c_ends_the_wait() -> None:
    future: Future[str] = Future()
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGINT])
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        waited("blocking", future, 20)
    timer.join()
    assert time.monotonic() - started < 5
    assert future.cancelled()


def test_a_stream_that_another_thread_closes_waits_no_longer() -> None:
    future: Future[str] = Future()

    async def events() -> AsyncGenerator[Finished[Response], None]:
        await BlockingRuntime().wait(future)
        yield Finished(Response())

    stream: Stream[Finished[Response]] = Stream(events())
    timer = threading.Timer(0.1, stream.close)
    timer.start()
    with pytest.raises(StreamBroken):
        next(stream)
    timer.join()
    assert future.cancelled()
