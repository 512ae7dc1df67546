"""AT-D4: whoever cancels, or presses Ctrl-C, is free at once, wherever the call is waiting, and nothing more is sent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from modelhub.http import HttpRequest, HttpResponse
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Runtime, Timeouts
from modelhub.route import Route
from modelhub.testing.server import FaultServer, Reply
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive
from modelhub.transport.endpoint import HttpModel
from modelhub.transport.following import FollowUp

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(
    messages=(Message("user", "日本の首都は？"),), timeouts=Timeouts(connect=20, first_token=20, idle=20, total=30)
)
STALLED = Reply(json={"text": "東京"}, fault="stall")


class Scene(NamedTuple):
    """Where a call waits: at which address, by which route, and what has come to the server by then."""

    url: str
    server: FaultServer
    requests: int
    route: Route | None = None


@contextmanager
def scene(place: str) -> Iterator[Scene]:
    with ExitStack() as stack:
        if place == "connect":
            server = stack.enter_context(FaultServer(accepting=False))
            yield Scene(server.url, server, 0)
            return
        server = stack.enter_context(FaultServer(STALLED))
        if place in ("TLS", "proxy"):
            silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            if place == "TLS":
                yield Scene(f"https://{address}", server, 0)
            else:
                yield Scene(server.url.replace("http:", "https:"), server, 0, Route(proxy=f"http://{address}"))
            return
        server.on("/jobs", Reply(202)).on("/jobs/1", Reply(202) if place == "poll sleep" else STALLED)
        if place == "headers":
            server.on("/chat", replace(STALLED, at="headers"))
        yield Scene(server.url, server, 2 if place.startswith("poll") else 1)


PLACES = ["connect", "TLS", "proxy", "headers", "body", "poll", "poll sleep", "queue"]


def model_at(place: str, here: Scene, make_chat: MakeChat) -> HttpModel[Any, Any, Any]:
    model = make_chat(here.url)

    class Waiting:
        card, decoder, fault, parse = model.card, model.endpoint.decoder, model.endpoint.fault, model.endpoint.parse

        def build(self, request: Any, *, stream: bool) -> HttpRequest:
            if place.startswith("poll"):
                return HttpRequest("POST", f"{here.url}/jobs", body=b"{}")
            return replace(model.endpoint.build(request, stream=stream), route=here.route)

        def follow(self, response: HttpResponse) -> FollowUp | None:
            if response.status != 202:
                return None
            again = place == "poll sleep" and here.server.requests[-1].path != "/jobs"
            return FollowUp(HttpRequest("GET", f"{here.url}/jobs/1"), wait=20.0 if again else 0.0)

    return HttpModel(Waiting())


def waited(here: Scene) -> None:
    """Until the call stands where it is to be cancelled."""
    assert here.server.wait_for_requests(here.requests, 5)
    time.sleep(0.15)


def nothing_more_comes(here: Scene) -> None:
    time.sleep(0.3)
    assert len(here.server.requests) == here.requests


@pytest.mark.alone
@pytest.mark.parametrize("place", PLACES)
def test_a_cancelled_call_ends_at_once(make_chat: MakeChat, place: str) -> None:
    """AT-D4: within 200 ms, and 0 further requests."""

    async def main(here: Scene) -> None:
        runtime = AsyncRuntime(max_connections=1 if place == "queue" else 10)
        model = model_at(place, here, make_chat)
        others = [asyncio.create_task(model.call(QUESTION, runtime))] if place == "queue" else []
        await asyncio.sleep(0.1 if others else 0)
        task = asyncio.create_task(model.call(QUESTION, runtime))
        await asyncio.to_thread(waited, here)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.2
        await asyncio.to_thread(nothing_more_comes, here)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await runtime.aclose()

    with scene(place) as here:
        asyncio.run(main(here))


@pytest.mark.alone
@pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX")
@pytest.mark.parametrize("place", PLACES)
def test_an_interrupted_call_ends_at_once(make_chat: MakeChat, place: str) -> None:
    """AT-D4: SIGINT, in the blocking manner; the runtime serves on."""
    runtime = BlockingRuntime(max_connections=1 if place == "queue" else 10)
    with scene(place) as here:
        model = model_at(place, here, make_chat)
        if place == "queue":
            taken = drive(runtime.open(HttpRequest("POST", f"{here.url}/chat", body=b"{}"), QUESTION.timeouts))
        seconds = interrupted(model.call(QUESTION, runtime), here)
        assert seconds < 0.2
        nothing_more_comes(here)
        if place == "queue":
            drive(taken.aclose())
        here.server.on("/again", Reply(json={}))
        if place != "connect":
            assert served(runtime, here.server) == 200
    runtime.close()


def interrupted(call: Coroutine[Any, Any, Any], here: Scene) -> float:
    """How long the call goes on after a Ctrl-C."""
    pressed: list[float] = []
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        waited(here)
        pressed.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=press)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            drive(call)
        return time.monotonic() - pressed[0]
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


def served(runtime: Runtime, server: FaultServer) -> int:
    answer: HttpResponse = drive(runtime.send(HttpRequest("GET", f"{server.url}/again"), QUESTION.timeouts))  # type: ignore[arg-type]
    return answer.status
