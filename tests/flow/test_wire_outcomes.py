"""AT-D3, AT-D7: what became of a request whose connection broke, and connections that servers close while they stand idle."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from modelhub.errors import OutcomeUnknown, TimedOut, TransportError, Unreachable
from modelhub.http import HttpRequest, HttpResponse
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse
from modelhub.transport.endpoint import HttpModel
from modelhub.transport.following import FollowUp

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
TIMEOUTS = Timeouts(connect=5, first_token=5, idle=5, total=10)
QUESTION = TextRequest(messages=(Message("user", "日本の首都は？"),), timeouts=TIMEOUTS)
LONG = TextRequest(messages=(Message("user", "あ" * 3_000_000),), timeouts=TIMEOUTS)
ANSWER = Reply(json={"text": "東京"})
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n"
BODY = b'{"text": "abcd"}'
_RESET = struct.pack("ii", 1, 0)


@contextmanager
def scripted(*handlers: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server made by hand: each connection is one handler's, in turn; then nobody listens."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError), listener:
            for handler in handlers:
                threading.Thread(target=handled, args=(handler, listener.accept()[0]), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def handled(handler: Callable[[socket.socket], None], client: socket.socket) -> None:
    with suppress(OSError), client:
        handler(client)


def whole_request(client: socket.socket) -> bytes:
    data = received(client)
    while b"\r\n\r\n" not in data:
        data += received(client)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += received(client)
    return body


def received(client: socket.socket) -> bytes:
    if not (data := client.recv(65536)):
        raise ConnectionError("The client is gone.")
    return data


def slam(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()


@pytest.mark.parametrize("ask", ["call", "stream"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_connection_that_breaks_when_the_request_is_out_may_have_cost_something(
    runtime: Driven, make_chat: MakeChat, ask: str, end: str
) -> None:
    """AT-D3: nothing sends it again by itself."""
    with FaultServer(Reply(fault="cut" if end == "close" else "reset", at="headers")) as server:
        with pytest.raises(OutcomeUnknown, match="may have been served") as caught:
            getattr(runtime, ask)(make_chat(server.url), QUESTION)
        assert not caught.value.retryable
        assert len(server.requests) == 1


@pytest.mark.parametrize("ask", ["call", "stream"])
def test_a_connection_that_breaks_before_the_request_is_out_can_be_tried_again(
    runtime: Driven, make_chat: MakeChat, ask: str
) -> None:
    """AT-D3: a part of a request is no request."""

    def hang_up_in_the_middle(client: socket.socket) -> None:
        client.recv(1000)
        slam(client)

    with scripted(hang_up_in_the_middle) as url, pytest.raises(Unreachable, match="broke") as caught:
        getattr(runtime, ask)(make_chat(url), LONG)
    assert caught.value.retryable


@pytest.mark.parametrize(("status", "error"), [(200, OutcomeUnknown), (503, Unreachable), (429, Unreachable)])
def test_a_refusal_that_breaks_off_cost_nothing(
    runtime: Driven, make_chat: MakeChat, status: int, error: type[TransportError]
) -> None:
    """AT-D3: the status alone says that nothing was served."""
    with FaultServer(Reply(status, body="x" * 100, fault="cut")) as server, pytest.raises(error, match="broke"):
        runtime.call(make_chat(server.url), QUESTION)


@pytest.mark.parametrize("phase", ["idle", "first_token", "total"])
def test_a_time_out_stays_one(runtime: Driven, make_chat: MakeChat, phase: str) -> None:
    limits = {"connect": 5.0, "first_token": 5.0, "idle": 5.0, "total": 10.0, phase: 0.1}
    question = TextRequest(messages=QUESTION.messages, timeouts=Timeouts(**limits))
    reply = Reply(json={"text": "x"}, fault="stall", at="middle" if phase == "idle" else "headers")
    with FaultServer(reply) as server, pytest.raises(TimedOut) as caught:
        (runtime.stream if phase == "first_token" else runtime.call)(make_chat(server.url), question)
    assert caught.value.phase == phase


def test_idle_connections_that_the_server_closes_are_never_noticed(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-D7, ten times as fast: the server closes after 0.1 s, calls come 0.1 to 0.12 s apart; none fails, none comes twice."""
    pace = random.Random(7)
    with FaultServer(ANSWER, idle_close=0.1) as server:
        model = make_chat(server.url)
        for number in range(40):
            question = TextRequest(messages=(Message("user", f"{number}"),), timeouts=TIMEOUTS)
            assert runtime.call(model, question).text == "東京"
            time.sleep(pace.uniform(0.1, 0.12) if number else 0.15)
        asked = [request.json()["question"] for request in server.requests]
    assert asked == [str(number) for number in range(40)]


def test_streams_and_their_idle_connections_too(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-D7 for streams."""
    stream = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([{"delta": "東京"}, "[DONE]"]))
    with FaultServer(stream, idle_close=0.1) as server:
        for _ in range(8):
            assert runtime.stream(make_chat(server.url), QUESTION)[-1].response.text == "東京"
            time.sleep(0.12)
        assert len(server.requests) == 8


def test_a_server_that_was_seen_to_close_is_not_waited_for_again(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-D7: no connection stands idle for as long as half the time after which it was found closed; younger ones are used."""
    with FaultServer(ANSWER, idle_close=0.6) as server:
        model = make_chat(server.url)
        runtime.call(model, QUESTION)
        time.sleep(0.9)
        runtime.call(model, QUESTION)
        assert server.connections == 2, "found closed, after 0.9 s"
        runtime.call(model, QUESTION)
        assert server.connections == 2, "used again at once"
        time.sleep(0.5)
        runtime.call(model, QUESTION)
        assert server.connections == 3, "still open, and not relied upon"


@pytest.mark.parametrize("said", ["timeout=1", "timeout=1, max=100", "max=100,TIMEOUT=1"])
def test_what_a_server_says_of_its_patience_is_heeded(runtime: Driven, make_chat: MakeChat, said: str) -> None:
    """AT-D7: ``Keep-Alive: timeout=1``; half of it is little enough."""
    with FaultServer(Reply(json={"text": "a"}, headers={"Keep-Alive": said})) as server:
        model = make_chat(server.url)
        for pause, connections in ((0.0, 1), (0.6, 1), (0.0, 2)):
            runtime.call(model, QUESTION)
            assert server.connections == connections
            time.sleep(pause)


def test_a_request_that_a_closed_connection_cannot_have_taken_goes_out_again(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-D7: the server hangs up while a long request is on its way. What it got is no request; on a new connection, once."""
    got: list[int] = []

    def answer_once_and_hang_up_in_the_next(client: socket.socket) -> None:
        whole_request(client)
        client.sendall(HEAD + BODY)
        client.recv(1000)
        slam(client)

    def answer(client: socket.socket) -> None:
        got.append(len(whole_request(client)))
        client.sendall(HEAD + BODY)

    with scripted(answer_once_and_hang_up_in_the_next, answer) as url:
        assert runtime.call(make_chat(url), QUESTION).text == "abcd"
        assert runtime.call(make_chat(url), LONG).text == "abcd"
    assert len(got) == 1


def test_a_request_that_a_closed_connection_may_have_taken_is_not_sent_again(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-D3: the same connection, and the request was read whole before it was closed: a new one would pay twice."""
    second = threading.Event()

    def answer_once_and_take_the_next(client: socket.socket) -> None:
        whole_request(client)
        client.sendall(HEAD + BODY)
        whole_request(client)
        client.close()

    with scripted(answer_once_and_take_the_next, lambda _: second.set()) as url:
        assert runtime.call(make_chat(url), QUESTION).text == "abcd"
        with pytest.raises(OutcomeUnknown):
            runtime.call(make_chat(url), QUESTION)
    assert not second.is_set()


def test_a_job_is_asked_after_again_and_never_submitted_again(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-D3: the connection breaks while the provider is asked how far it is, which costs nothing."""
    model = make_chat("")

    class Job:
        card, decoder, fault, parse = model.card, model.endpoint.decoder, model.endpoint.fault, model.endpoint.parse

        def build(self, request: Any, *, stream: bool) -> HttpRequest:
            return HttpRequest("POST", f"{server.url}/jobs", body=b"{}")

        def follow(self, response: HttpResponse) -> FollowUp | None:
            return FollowUp(HttpRequest("GET", f"{server.url}/jobs/1")) if response.status == 202 else None

    with FaultServer() as server:
        server.on("/jobs", Reply(202)).on(
            "/jobs/1", Reply(fault="cut", at="headers"), Reply(json={"text": "東京"}, fault="cut"), ANSWER
        )
        assert runtime.call(HttpModel(Job()), QUESTION).text == "東京"
        assert [request.path for request in server.requests] == ["/jobs", "/jobs/1", "/jobs/1", "/jobs/1"]
