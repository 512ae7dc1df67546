"""HTTP/1.1 without sockets: what is written, and what is understood of what comes, however it is cut."""

from __future__ import annotations

import httpcore
import pytest

from modelhub.transport.dialogue import Dialogue
from modelhub.transport.outgoing import Outgoing

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n\xe6\x9d\xb1\xe4\xba\xac"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\n\xe6\x9d\xb1\r\n3\r\n\xe4\xba\xac\r\n0\r\nx-t: 1\r\n\r\n"
)


def asking(method: str = "POST", fields: list[tuple[bytes, bytes]] | None = None, body: bytes = b"{}") -> Outgoing:
    return Outgoing(method, ("http", "h", 80, None), b"/chat", fields or [(b"host", b"h")], body, None)


def answered(*pieces: bytes, method: str = "POST") -> tuple[Dialogue, bytes]:
    dialogue = Dialogue()
    dialogue.request(asking(method))
    body = b""
    for piece in pieces:
        dialogue.receive(piece)
        body += dialogue.body()
    return dialogue, body


def test_a_request_is_written_with_its_body_in_one_piece() -> None:
    fields = [(b"host", b"h"), (b"authorization", b"Bearer sk-1"), (b"content-length", b"2")]
    expected = b"POST /chat HTTP/1.1\r\nhost: h\r\nauthorization: Bearer sk-1\r\ncontent-length: 2\r\n\r\n{}"
    assert Dialogue().request(asking(fields=fields)) == (expected,)


def test_a_long_body_is_not_copied_behind_its_head() -> None:
    body = b"x" * 100_000
    head, sent = Dialogue().request(asking(body=body))
    assert head.endswith(b"\r\n\r\n")
    assert sent is body


@pytest.mark.parametrize(
    "field",
    [(b"x\r\nevil", b"1"), (b"x", b"1\r\nevil: 2"), (b"x y", b"1"), (b"", b"1"), (b"x", b"\0"), (b"x:", b"1"), (b"x", b"\n")],
)
def test_nothing_can_be_smuggled_in_a_header(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(httpcore.LocalProtocolError):
        Dialogue().request(asking(fields=[(b"host", b"h"), field]))


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_response_is_understood_however_it_is_cut(whole: bytes, size: int) -> None:
    dialogue, body = answered(*(whole[start : start + size] for start in range(0, len(whole), size)))
    head = dialogue.head()
    assert head is not None
    assert head[0] == 200
    assert body.decode() == "東京"
    assert dialogue.ended
    assert dialogue.again()


def test_the_chunks_that_came_together_are_given_together() -> None:
    assert answered(CHUNKED)[1].decode() == "東京"


def test_what_comes_before_a_response_is_none() -> None:
    dialogue, body = answered(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN)
    assert dialogue.head() == (200, [(b"Content-Type", b"text/plain"), (b"Content-Length", b"6")])
    assert body.decode() == "東京"
    assert dialogue.again()


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    dialogue, body = answered(b"HTTP/1.1 200 OK\r\n\r\n", b"abc", b"def", b"")
    assert (body, dialogue.ended, dialogue.again()) == (b"abcdef", True, False)


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED])
@pytest.mark.parametrize("left_out", [1, 5])
def test_a_body_that_is_cut_short_is_never_taken_for_a_whole_one(whole: bytes, left_out: int) -> None:
    with pytest.raises(httpcore.RemoteProtocolError, match="without sending complete"):
        answered(whole[:-left_out], b"")


def test_a_server_that_hangs_up_has_sent_nothing() -> None:
    for said in ([], [b"HTTP/1.1 2"], [b"HTTP/1.1 100 Continue\r\n\r\n"]):
        with pytest.raises(httpcore.RemoteProtocolError, match="without sending a response"):
            answered(*said, b"")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    ],
)
def test_what_is_no_http_is_refused(nonsense: bytes) -> None:
    with pytest.raises(httpcore.RemoteProtocolError):
        answered(nonsense)


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        PLAIN + b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_a_connection_is_not_used_again_where_the_server_ends_it_or_says_more(whole: bytes) -> None:
    dialogue, _ = answered(whole)
    assert dialogue.ended
    assert not dialogue.again()


def test_a_request_that_was_not_written_whole_is_the_last_of_its_connection() -> None:
    dialogue, _ = answered(PLAIN)
    dialogue.cut()
    assert not dialogue.again()


def test_neither_a_tunnel_nor_a_head_has_a_body() -> None:
    dialogue, body = answered(b"HTTP/1.1 200 Connection established\r\n\r\n", method="CONNECT")
    assert (dialogue.ended, body) == (True, b"")
    dialogue, body = answered(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", method="HEAD")
    assert (dialogue.ended, body) == (True, b"")


def test_one_connection_carries_one_response_after_another() -> None:
    dialogue = Dialogue()
    for whole in (PLAIN, CHUNKED, PLAIN):
        dialogue.request(asking())
        assert dialogue.head() is None
        dialogue.receive(whole)
        assert dialogue.body().decode() == "東京"
        assert dialogue.again()
