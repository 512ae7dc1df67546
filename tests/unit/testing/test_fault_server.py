"""The fault server does what its script says, seen by the standard library's own client."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from modelhub.testing.server import FaultServer, Received, Reply, sse


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def connection(server: FaultServer) -> http.client.HTTPConnection:
    host, _, port = server.url.rpartition("//")[2].partition(":")
    return http.client.HTTPConnection(host, int(port), timeout=2)


def ask(server: FaultServer, path: str = "/a", body: bytes = b"") -> tuple[int, bytes]:
    client = connection(server)
    try:
        client.request("POST", path, body, {"X-Word": "one"})
        response = client.getresponse()
        return response.status, response.read()
    finally:
        client.close()


def test_answers_come_in_order_and_the_last_one_stays(server: FaultServer) -> None:
    server.on("/a", Reply(429), Reply(json={"a": "日本"}))
    assert [ask(server)[0] for _ in range(3)] == [429, 200, 200]
    assert ask(server)[1] == '{"a": "日本"}'.encode()


def test_each_path_has_a_script_and_what_has_none_is_not_found(server: FaultServer) -> None:
    server.on("/a", Reply(body="for a")).on("/b", Reply(body="for b"))
    assert (ask(server, "/b"), ask(server, "/a"), ask(server, "/c")[0]) == ((200, b"for b"), (200, b"for a"), 404)


def test_an_answer_may_be_made_from_the_request() -> None:
    def echo(received: Received) -> Reply:
        return Reply(201, {"X-Path": received.path}, json=received.json())

    with FaultServer(echo) as server:
        assert ask(server, "/any", b'{"q": 1}') == (201, b'{"q": 1}')


def test_requests_are_kept_as_they_came(server: FaultServer) -> None:
    before = time.monotonic()
    ask(server, "/a?b=c", "日本".encode())
    (received,) = server.requests
    assert (received.method, received.path, received.body.decode(), received.headers["x-word"]) == (
        "POST",
        "/a?b=c",
        "日本",
        "one",
    )
    assert before <= received.came <= time.monotonic()
    assert received.wait_for_disconnect()
    assert received.gone is not None


def test_a_kept_connection_serves_again_until_it_is_idle_too_long() -> None:
    with FaultServer(Reply(body="x"), idle_close=0.1) as server:
        client = connection(server)
        for _ in range(2):
            client.request("GET", "/")
            assert client.getresponse().read() == b"x"
        assert server.connections == 1
        assert server.wait_for_disconnect(1)
        client.close()


def test_a_cut_body_is_shorter_than_it_says(server: FaultServer) -> None:
    server.on("/a", Reply(body=b"0123456789", fault="cut"))
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(server)
    assert caught.value.partial == b"01234"


def test_a_cut_chunked_body_has_no_end(server: FaultServer) -> None:
    server.on("/a", Reply(chunks=sse(["a", "b"]), fault="cut"))
    with pytest.raises(http.client.IncompleteRead):
        ask(server)


def test_a_lying_length_is_sent_as_it_is(server: FaultServer) -> None:
    server.on("/a", Reply(body=b"0123", length=10, close=True))
    with pytest.raises(http.client.IncompleteRead):
        ask(server)


@pytest.mark.parametrize("at", ["headers", "middle"])
def test_a_reset_is_a_reset(server: FaultServer, at: object) -> None:
    server.on("/a", Reply(body=b"x" * 100, fault="reset", at=at))  # type: ignore[arg-type]
    with pytest.raises(ConnectionResetError):
        ask(server)


def test_a_stall_lasts_until_the_client_goes(server: FaultServer) -> None:
    server.on("/a", Reply(fault="stall", at="headers"))
    client = connection(server)
    client.request("GET", "/a")
    assert server.wait_for_requests(1)
    assert not server.wait_for_disconnect(0.1)
    client.close()
    assert server.wait_for_disconnect(0.5)


def test_delays_are_kept(server: FaultServer) -> None:
    server.on("/a", Reply(chunks=[b"a", b"b", b"c"], delay=0.05, first_delay=0.05, chunk_delay=0.05))
    started = time.monotonic()
    assert ask(server) == (200, b"abc")
    assert time.monotonic() - started >= 0.2


def test_a_server_that_does_not_accept_answers_nobody() -> None:
    with FaultServer(accepting=False) as server, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=0.2)


def test_it_ends_at_once_with_connections_open_and_stalled() -> None:
    with FaultServer(Reply(fault="stall", at="headers")) as server:
        clients = [connection(server) for _ in range(5)]
        for client in clients:
            client.request("GET", "/")
        assert server.wait_for_requests(5)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-server"]
    for client in clients:
        client.close()


def test_server_sent_events_are_written_as_the_standard_says() -> None:
    assert sse(["a\nb", {"t": "日"}, ("error", {"m": 1}), ("ping", "")]) == [
        b"data: a\ndata: b\n\n",
        'data: {"t": "日"}\n\n'.encode(),
        b'event: error\ndata: {"m": 1}\n\n',
        b"event: ping\ndata: \n\n",
    ]
