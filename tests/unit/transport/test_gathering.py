"""Calls beside each other in the blocking runtime: what ends one for good ends all of them."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from modelhub.http import HttpRequest
from modelhub.model import Timeouts
from modelhub.testing import FaultServer, Reply
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive

_MAIN = threading.main_thread().ident or 0


@pytest.mark.alone
def test_ctrl_c_ends_what_the_other_threads_wait_for_and_begins_nothing_more(fault_server: FaultServer) -> None:
    """AT-D4: SIGINT while several requests are out returns within 200 ms; the server is left at once, and asked no more."""
    fault_server.on("/", Reply(delay=5))
    runtime, told = BlockingRuntime(), []

    def interrupt() -> None:
        fault_server.wait_for_requests(32)
        told.append(time.monotonic())
        signal.pthread_kill(_MAIN, signal.SIGINT)

    async def ask() -> None:
        await runtime.send(HttpRequest("GET", fault_server.url), Timeouts())

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        drive(runtime.gather(*[ask] * 40))
    assert time.monotonic() - told[0] < 0.2
    assert all(received.wait_for_disconnect(1.0) for received in list(fault_server.requests))
    assert not fault_server.wait_for_requests(33, 0.2)


def test_an_exit_in_another_thread_is_an_exit_of_the_caller() -> None:
    met = threading.Barrier(2)

    async def leave() -> None:
        met.wait(5)
        if threading.current_thread() is not threading.main_thread():
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        drive(BlockingRuntime().gather(leave, leave))
