"""AT-F1, AT-F4: one runtime in many loops and threads, inside a running loop, after a fork; one TLS context for all."""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import os
import re
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelhub.http import HttpRequest
from modelhub.model import Runtime, Timeouts
from modelhub.route import Route
from modelhub.testing.server import FaultServer, Reply
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive
from modelhub.transport.trust import tls_context

QUICK = Timeouts(connect=5, first_token=5, idle=5, total=10)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(Reply(json={"text": "東京"})) as server:
        yield server


def request_to(server: FaultServer) -> HttpRequest:
    return HttpRequest("POST", server.url + "/chat", {}, b"{}")


def call(runtime: BlockingRuntime, server: FaultServer) -> int:
    return drive(runtime.send(request_to(server), QUICK)).status


async def call_twice(runtime: Runtime, server: FaultServer) -> None:
    for _ in range(2):
        assert (await runtime.send(request_to(server), QUICK)).status == 200


def in_threads(count: int, work: Callable[[], None]) -> None:
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)


def test_one_runtime_serves_five_loops_in_a_row(server: FaultServer) -> None:
    """AT-F1: each loop reuses its connection and closes it when it ends."""
    runtime = AsyncRuntime()
    for _ in range(5):
        asyncio.run(call_twice(runtime, server))
        assert server.wait_for_disconnect(0.5)
    assert (server.connections, len(server.requests)) == (5, 10)


def test_sixteen_threads_with_a_loop_each_share_a_runtime(server: FaultServer) -> None:
    """AT-F1."""
    runtime = AsyncRuntime()
    in_threads(16, lambda: asyncio.run(call_twice(runtime, server)))
    assert (server.connections, len(server.requests)) == (16, 32)


def test_sixteen_threads_share_a_blocking_runtime(server: FaultServer) -> None:
    """AT-F1: no more connections than calls at once."""
    runtime = BlockingRuntime()
    in_threads(16, lambda: [call(runtime, server) for _ in range(5)] and None)
    assert len(server.requests) == 80
    assert server.connections <= 16
    runtime.close()


def test_a_blocking_call_works_inside_a_running_loop(server: FaultServer) -> None:
    """AT-F1: as in a notebook."""
    runtime = BlockingRuntime()

    async def cell() -> int:
        return call(runtime, server)

    assert asyncio.run(cell()) == 200
    runtime.close()


def test_a_closed_runtime_can_be_used_again(server: FaultServer) -> None:
    runtime = BlockingRuntime()
    for _ in range(2):
        assert call(runtime, server) == 200
        runtime.close()
        assert server.wait_for_disconnect(0.5)

    async def twice(runtime: AsyncRuntime) -> None:
        for _ in range(2):
            await call_twice(runtime, server)
            await runtime.aclose()
            assert await asyncio.to_thread(server.wait_for_disconnect, 0.5)

    asyncio.run(twice(AsyncRuntime()))


def test_a_dropped_runtime_closes_its_connections(server: FaultServer) -> None:
    """AT-F4: no hub has to be closed by hand."""
    call(BlockingRuntime(), server)
    assert server.wait_for_disconnect(0.5)

    async def drop() -> None:
        await call_twice(AsyncRuntime(), server)
        assert await asyncio.to_thread(server.wait_for_disconnect, 0.5)

    asyncio.run(drop())


def _child(runtime: BlockingRuntime, asynchronous: AsyncRuntime, server: FaultServer) -> None:
    assert call(runtime, server) == 200
    asyncio.run(call_twice(asynchronous, server))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_and_its_parent_both_go_on(server: FaultServer) -> None:
    """AT-F1: made and used in the parent, used in the child and in the parent."""
    runtime, asynchronous = BlockingRuntime(), AsyncRuntime()

    async def parent() -> None:
        await call_twice(asynchronous, server)
        call(runtime, server)
        child = multiprocessing.get_context("fork").Process(target=_child, args=(runtime, asynchronous, server))
        child.start()
        await asyncio.to_thread(child.join, 20)
        assert child.exitcode == 0
        await call_twice(asynchronous, server)
        call(runtime, server)

    asyncio.run(parent())
    assert len(server.requests) == 3 + 3 + 3
    assert server.connections == 2 + 2, "parent and child keep their own connections, and only those"
    runtime.close()


def test_a_fork_while_another_thread_holds_the_pool_does_not_hang(server: FaultServer) -> None:
    """AT-F1: locks held by threads that the child does not have."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    program = f"""
        import os, sys, threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from modelhub.http import HttpRequest
        from modelhub.model import Timeouts
        from modelhub.transport.blocking import BlockingRuntime
        from modelhub.transport.drive import drive
        runtime = BlockingRuntime()
        request = HttpRequest("POST", "{server.url}/chat", {{}}, b"")
        def go():
            return drive(runtime.send(request, Timeouts())).status
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                go()
        go()
        threads = [threading.Thread(target=busy, daemon=True) for _ in range(4)]
        [thread.start() for thread in threads]
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if go() == 200 else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        [thread.join() for thread in threads]
        print("alive", go())
    """
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, encoding="utf-8", timeout=30
    )
    assert (finished.stdout, finished.stderr) == ("alive 200\n", "")


EVERYTHING = """
    import asyncio, sys
    from modelhub.http import HttpRequest
    from modelhub.model import Timeouts
    from modelhub.transport.asynchronous import AsyncRuntime
    from modelhub.transport.blocking import BlockingRuntime
    from modelhub.transport.drive import drive

    request = HttpRequest("POST", sys.argv[1] + "/chat", {}, b"{}")
    asynchronous, blocking, dropped = AsyncRuntime(), BlockingRuntime(), BlockingRuntime()

    async def main():
        await asynchronous.gather(*[lambda: asynchronous.send(request, Timeouts())] * 3)
        stream = await asynchronous.open(request, Timeouts())
        await AsyncRuntime().send(request, Timeouts())
        last = AsyncRuntime()
        await last.gather(*[lambda: last.send(request, Timeouts())] * 50)

    for _ in range(5):
        asyncio.run(main())
    drive(blocking.gather(*[lambda: blocking.send(request, Timeouts())] * 3))
    left = drive(blocking.open(request, Timeouts()))
    drive(dropped.send(request, Timeouts()))
    del dropped
    print("done")
"""


def test_nothing_is_left_open_and_nobody_warns(server: FaultServer) -> None:
    """AT-F1: development mode, unclosed resources are errors, nothing is closed by hand; not a word on stderr."""
    command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", textwrap.dedent(EVERYTHING), server.url]
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30)
    said = re.sub(r"^Executing <.* took .* seconds\n", "", finished.stderr, flags=re.MULTILINE)  # a busy machine's
    assert (finished.stdout, said) == ("done\n", "")
    assert server.wait_for_disconnect(2)


SPAWNED = """
    import multiprocessing, sys
    from modelhub.http import HttpRequest
    from modelhub.model import Timeouts
    from modelhub.transport.blocking import BlockingRuntime
    from modelhub.transport.drive import drive

    def status(url):
        return drive(BlockingRuntime().send(HttpRequest("POST", url, {}, b"{}"), Timeouts())).status

    if __name__ == "__main__":
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            print(status(sys.argv[1]), pool.map(status, [sys.argv[1]] * 4))
"""


def test_a_pool_of_spawned_processes_works(server: FaultServer, tmp_path: Path) -> None:
    """AT-F1."""
    script = tmp_path / "spawned.py"
    script.write_text(textwrap.dedent(SPAWNED), encoding="utf-8")
    finished = subprocess.run([sys.executable, script, server.url + "/chat"], capture_output=True, encoding="utf-8", timeout=30)
    assert (finished.stdout, finished.stderr) == ("200 [200, 200, 200, 200]\n", "")


LIGHT = """
    import sys
    from modelhub.transport.blocking import BlockingRuntime
    BlockingRuntime()
    print([name for name in ("asyncio", "httpx", "httpcore", "ssl") if name in sys.modules])
"""


def test_a_blocking_runtime_loads_neither_asyncio_nor_an_http_library_before_it_sends() -> None:
    finished = subprocess.run([sys.executable, "-c", textwrap.dedent(LIGHT)], capture_output=True, encoding="utf-8", timeout=30)
    assert finished.stdout == "[]\n"


WATCHED = """
    import asyncio, sys, threading
    from modelhub.http import HttpRequest
    from modelhub.model import Timeouts
    from modelhub.transport.asynchronous import AsyncRuntime

    main, seen = threading.get_ident(), []

    def watch(event, details):
        if event == "import" and threading.get_ident() == main:
            seen.append(details[0])

    async def go():
        sys.addaudithook(watch)
        return (await AsyncRuntime().send(HttpRequest("POST", sys.argv[1] + "/chat", {}, b"{}"), Timeouts())).status

    status = asyncio.run(go())
    print(status, [name for name in seen if name.startswith(("httpx", "httpcore", "h11", "anyio", "ssl", "modelhub"))])
"""


def test_nothing_heavy_is_imported_on_a_running_loop(server: FaultServer) -> None:
    """AT-A1: the first call's imports happen beside the loop."""
    command = [sys.executable, "-c", textwrap.dedent(WATCHED), server.url]
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30)
    assert (finished.stdout, finished.stderr) == ("200 []\n", "")


def test_a_thousand_runtimes_share_one_tls_context(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """AT-F4: ``ssl.create_default_context`` is called once, for HTTPS alone, and a runtime costs next to nothing."""
    made: list[int] = []
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda *a, **k: made.append(1) or real(*a, **k))  # type: ignore[func-returns-value]
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere/for/this/test")  # a configuration of its own, so that nobody else has made it
    started = time.process_time()
    runtimes = [BlockingRuntime() for _ in range(500)]
    loops = [AsyncRuntime() for _ in range(500)]
    assert (time.process_time() - started) / 1000 < 0.0003
    assert call(runtimes[0], server) == 200
    assert made == [], "plain HTTP makes no TLS context"
    for runtime in runtimes[:50]:
        with pytest.raises(Exception, match="127"):
            drive(runtime.send(HttpRequest("GET", server.url.replace("http:", "https:")), Timeouts(connect=0.001)))

    async def all_of_them() -> None:
        for runtime in loops[:50]:
            with pytest.raises(Exception, match="127"):
                await runtime.send(HttpRequest("GET", server.url.replace("http:", "https:")), Timeouts(connect=0.001))

    asyncio.run(all_of_them())
    assert made == [1]
    runtimes[0].close()


def test_a_trust_configuration_has_a_context_of_its_own(certificate: tuple[str, ssl.SSLContext]) -> None:
    """AT-F4: one per configuration."""
    bundle, _ = certificate
    assert tls_context(Route()) is tls_context(Route())
    assert tls_context(Route(bundle)) is tls_context(Route(bundle))
    assert tls_context(Route(bundle)) is not tls_context(Route())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, and the context of a server that has it."""
    folder = tmp_path_factory.mktemp("tls")
    key, bundle = str(folder / "key.pem"), str(folder / "cert.pem")
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", bundle, "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("this machine has no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, key)
    return bundle, context


def test_a_companys_own_certificate_is_trusted_when_it_is_named(certificate: tuple[str, ssl.SSLContext]) -> None:
    bundle, context = certificate
    with FaultServer(Reply(json={"text": "a"}), tls=context) as server:
        trusting = BlockingRuntime()
        request = HttpRequest("GET", server.url, route=Route(bundle))
        assert [drive(trusting.send(request, QUICK)).status for _ in range(2)] == [200, 200]

        async def twice() -> list[int]:
            runtime = AsyncRuntime()
            return [(await runtime.send(request, QUICK)).status for _ in range(2)]

        assert asyncio.run(twice()) == [200, 200]
        assert server.connections == 2
        with pytest.raises(Exception, match=r"its certificate was refused.*ca_bundle"):
            call(BlockingRuntime(), server)
        trusting.close()


WORD: contextvars.ContextVar[str] = contextvars.ContextVar("WORD", default="unset")


@pytest.mark.parametrize("manner", ["blocking", "asynchronous"])
def test_gathered_calls_run_beside_each_other_in_the_callers_context(manner: str) -> None:
    runtime: Runtime = BlockingRuntime() if manner == "blocking" else AsyncRuntime()

    async def read(number: int) -> tuple[int, str]:
        await runtime.sleep(0.1)
        word = WORD.get()
        WORD.set(f"changed by {number}")
        return number, word

    async def main() -> list[tuple[int, str]]:
        WORD.set("日本")
        return await runtime.gather(*[lambda number=number: read(number) for number in range(8)])

    started = time.monotonic()
    results = contextvars.copy_context().run(drive, main()) if manner == "blocking" else asyncio.run(main())
    assert results == [(number, "日本") for number in range(8)]
    assert time.monotonic() - started < 0.75  # one after another they would take 0.8 s


@pytest.mark.parametrize("manner", ["blocking", "asynchronous"])
def test_a_gathering_ends_when_all_have_ended_and_raises_the_first_error(manner: str) -> None:
    runtime: Runtime = BlockingRuntime() if manner == "blocking" else AsyncRuntime()
    ended: list[str] = []

    async def step(name: str, seconds: float, error: Exception | None) -> None:
        await runtime.sleep(seconds)
        ended.append(name)
        if error:
            raise error

    async def main() -> None:
        await runtime.gather(
            lambda: step("slow", 0.1, ValueError("slow")),
            lambda: step("quick", 0.0, KeyError("quick")),
            lambda: step("slowest", 0.2, None),
        )

    with pytest.raises(ValueError, match="slow"):
        drive(main()) if manner == "blocking" else asyncio.run(main())
    assert sorted(ended) == ["quick", "slow", "slowest"]


def test_gatherings_nest_as_deep_as_one_likes() -> None:
    """No shared pool of threads that the outer ones could use up."""
    runtime = BlockingRuntime()

    async def nested(depth: int) -> int:
        if depth == 0:
            return 1
        return sum(await runtime.gather(*[lambda: nested(depth - 1)] * 2))

    assert drive(nested(7)) == 128
    assert drive(runtime.gather()) == []


def test_a_hundred_calls_gather_on_at_most_32_threads() -> None:
    runtime = BlockingRuntime()
    names: set[int] = set()

    async def note(number: int) -> int:
        names.add(threading.get_ident())
        await runtime.sleep(0.001)
        return number

    assert drive(runtime.gather(*[lambda number=number: note(number) for number in range(100)])) == list(range(100))
    assert 1 < len(names) <= 32


def test_what_computes_stops_no_other_task() -> None:
    runtime = AsyncRuntime()

    async def main() -> list[int]:
        return await runtime.gather(*[lambda: runtime.in_thread(_sleepy, 0.3)] * 4)

    started = time.monotonic()
    assert len(set(asyncio.run(main()))) == 4
    assert time.monotonic() - started < 1.1  # one after another they would take 1.2 s
    assert drive(BlockingRuntime().in_thread(threading.get_ident)) == threading.get_ident()


def _sleepy(seconds: float) -> int:
    time.sleep(seconds)
    return threading.get_ident()
