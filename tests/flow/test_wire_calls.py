"""Calls and streams over real sockets, in both runtimes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from modelhub.errors import (
    AnswerError,
    BadRequest,
    InvalidRequest,
    KeyMissing,
    OutcomeUnknown,
    ProviderDown,
    ProviderError,
    RateLimited,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from modelhub.interfaces.content import Message
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextRequest
from modelhub.model import Attempt, Finished, Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, retry_after_forms, sse
from modelhub.transport.credentials import read_secret
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(
    messages=(Message("user", "日本の首都は？"),), timeouts=Timeouts(connect=2, first_token=2, idle=1, total=4)
)
DELTAS = sse([{"delta": "東"}, {"delta": "京\u2028"}, {"delta": "🗼"}, "[DONE]"])
STREAM = {"content-type": "text/event-stream"}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


def test_a_call_sends_what_the_endpoint_builds_and_gives_what_it_parses(
    runtime: Driven, server: FaultServer, make_chat: MakeChat
) -> None:
    server.on("/chat", Reply(json={"text": "東京"}))
    response = runtime.call(make_chat(server.url), QUESTION)
    assert response.text == "東京"
    assert (response.provider, response.model, response.attempts) == ("chat", "small", (Attempt("chat:small"),))
    assert response.timing.total > 0
    sent = server.requests[0]
    assert sent.json() == {"question": "日本の首都は？", "stream": False}
    assert (sent.method, sent.headers["Authorization"]) == ("POST", "Bearer sk-chat")


def test_a_stream_gives_events_and_ends_in_what_a_call_gives(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    server.on("/chat", Reply(headers=STREAM, chunks=DELTAS), Reply(json={"text": "東京\u2028🗼"}))
    *deltas, finished = runtime.stream(make_chat(server.url), QUESTION)
    assert deltas == [TextDelta("東"), TextDelta("京\u2028"), TextDelta("🗼")]
    assert finished == Finished(runtime.call(make_chat(server.url), QUESTION))
    assert 0 < finished.response.timing.first_token <= finished.response.timing.total


def test_events_arrive_when_they_are_sent(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    server.on("/chat", Reply(headers=STREAM, chunks=DELTAS, chunk_delay=0.1))
    timing = runtime.stream(make_chat(server.url), QUESTION)[-1].response.timing
    assert timing.first_token < 0.2 < 0.3 <= timing.total


def test_a_stream_cut_into_single_bytes_is_the_same(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    """AT-C6 on the wire: no charset, one byte a chunk."""
    body = b"\xef\xbb\xbf" + b"".join(DELTAS).replace(b"\n", b"\r\n")
    server.on("/chat", Reply(chunks=[bytes([byte]) for byte in body]), Reply(chunks=DELTAS))
    assert runtime.stream(make_chat(server.url), QUESTION) == runtime.stream(make_chat(server.url), QUESTION)


def test_connections_are_used_again(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    server.on("/chat", Reply(json={"text": "a"}), Reply(headers=STREAM, chunks=DELTAS), Reply(json={"text": "b"}))
    model = make_chat(server.url)
    for _ in range(3):
        runtime.call(model, QUESTION) if len(server.requests) != 1 else runtime.stream(model, QUESTION)
    assert server.connections == 1


def test_a_connection_that_the_server_closed_is_not_used_again(runtime: Driven, make_chat: MakeChat) -> None:
    with FaultServer(Reply(json={"text": "a"}), idle_close=0.05) as server:
        for _ in range(3):
            assert runtime.call(make_chat(server.url), QUESTION).text == "a"
            server.requests[-1].wait_for_disconnect()
        assert (server.connections, len(server.requests)) == (3, 3)


@pytest.mark.parametrize(("encoding", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_answer_is_read(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    body = packed('{"text": "圧縮"}'.encode())
    server.on("/chat", Reply(headers={"content-encoding": encoding}, body=body))
    assert runtime.call(make_chat(server.url), QUESTION).text == "圧縮"
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


def test_what_claims_to_be_compressed_and_is_not_is_an_answer_not_understood(
    runtime: Driven, server: FaultServer, make_chat: MakeChat
) -> None:
    server.on("/chat", Reply(headers={"content-encoding": "gzip"}, body=b"plain"))
    with pytest.raises(AnswerError, match="decompressed"):
        runtime.call(make_chat(server.url), QUESTION)


@pytest.mark.parametrize("form", retry_after_forms())
def test_a_429_says_how_long_to_wait(runtime: Driven, server: FaultServer, make_chat: MakeChat, form: str) -> None:
    headers, seconds = retry_after_forms()[form]
    server.on("/chat", Reply(429, headers, json={"error": {"message": "遅く", "code": "slow"}}))
    for ask in (runtime.call, runtime.stream):
        with pytest.raises(RateLimited) as caught:
            ask(make_chat(server.url), QUESTION)
        assert caught.value.retry_after == (pytest.approx(seconds, abs=1.1) if seconds else seconds)
        assert (caught.value.message, caught.value.code, caught.value.status) == ("遅く", "slow", 429)


def test_a_redirect_is_not_followed(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    """AT-H1: a key goes nowhere but to the address it was given for."""
    with FaultServer(Reply(json={"text": "stolen"})) as elsewhere:
        server.on("/chat", Reply(307, {"location": elsewhere.url + "/chat"}))
        with pytest.raises(BadRequest, match="not followed"):
            runtime.call(make_chat(server.url), QUESTION)
        assert elsewhere.requests == []


@pytest.mark.parametrize("body", ["{", "[]", '{"txt": 1}', "", "<html>"])
def test_an_answer_of_another_shape_is_not_understood(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, body: str
) -> None:
    server.on("/chat", Reply(body=body))
    with pytest.raises(AnswerError) as caught:
        runtime.call(make_chat(server.url), QUESTION)
    assert caught.value.head == body.encode()


def test_an_error_event_is_the_error_it_names(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    events = sse([{"delta": "a"}, ("error", {"type": "overloaded_error", "message": "Overloaded"})])
    server.on("/chat", Reply(headers=STREAM, chunks=events))
    with pytest.raises(ProviderDown, match="Overloaded"):
        runtime.stream(make_chat(server.url), QUESTION)


@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_connection_that_breaks_when_the_request_was_out_leaves_the_outcome_unknown(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, fault: Any
) -> None:
    server.on("/chat", Reply(fault=fault, at="headers"))
    for ask in (runtime.call, runtime.stream):
        with pytest.raises(OutcomeUnknown, match=r"broke.*may have been served") as caught:
            ask(make_chat(server.url), QUESTION)
        assert not caught.value.retryable
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", ["cut", "reset"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_breaks_is_never_an_answer(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, fault: Any, chunked: bool
) -> None:
    reply = Reply(chunks=DELTAS, fault=fault) if chunked else Reply(json={"text": "東京"}, fault=fault)
    server.on("/chat", reply)
    with pytest.raises(OutcomeUnknown, match="broke"):
        runtime.call(make_chat(server.url), QUESTION)


@pytest.mark.parametrize(("fault", "cause"), [("cut", OutcomeUnknown), ("reset", OutcomeUnknown), ("stall", TimedOut)])
def test_a_stream_that_fails_after_its_first_event_keeps_what_had_come(
    runtime: Driven, server: FaultServer, make_chat: MakeChat, fault: Any, cause: type[Exception]
) -> None:
    server.on("/chat", Reply(headers=STREAM, chunks=DELTAS, fault=fault))
    request = replace(QUESTION, timeouts=replace(QUESTION.timeouts, idle=0.1))
    with pytest.raises(StreamBroken) as caught:
        runtime.stream(make_chat(server.url), request)
    assert caught.value.partial.text == "東"
    assert isinstance(caught.value.__cause__, cause)
    assert str(caught.value.__cause__) in caught.value.message


def test_a_stream_without_its_end_is_broken_even_if_the_body_is_whole(
    runtime: Driven, server: FaultServer, make_chat: MakeChat
) -> None:
    server.on("/chat", Reply(headers=STREAM, chunks=DELTAS[:-1]))
    with pytest.raises(StreamBroken) as caught:
        runtime.stream(make_chat(server.url), QUESTION)
    assert caught.value.partial.text == "東京\u2028🗼"


def test_a_stream_that_fails_before_its_first_event_raises_the_failure_itself(
    runtime: Driven, server: FaultServer, make_chat: MakeChat
) -> None:
    server.on("/chat", Reply(headers=STREAM, chunks=DELTAS, fault="reset", at="first"))
    with pytest.raises(OutcomeUnknown):
        runtime.stream(make_chat(server.url), QUESTION)


def test_nobody_listening_is_unreachable(runtime: Driven, make_chat: MakeChat) -> None:
    with FaultServer() as server:
        url = server.url
    with pytest.raises(Unreachable, match=r"Cannot connect to http://127\.0\.0\.1"):
        runtime.call(make_chat(url), QUESTION)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nonsense", "http://"])
def test_what_is_no_address_is_refused(runtime: Driven, make_chat: MakeChat, url: str) -> None:
    with pytest.raises(InvalidRequest, match="not an address"):
        runtime.call(make_chat(url), QUESTION)


def test_a_key_is_fetched_before_the_request(runtime: Driven, server: FaultServer, make_chat: MakeChat, tmp_path: Any) -> None:
    (tmp_path / "key").write_text("sk-file", encoding="utf-8")
    server.on("/chat", Reply(json={"text": "a"}))
    key = read_secret({"file": "key"}, folder=str(tmp_path), what="key")
    runtime.call(make_chat(server.url, key=key), QUESTION)
    assert server.requests[0].headers["authorization"] == "Bearer sk-file"


def test_without_its_key_nothing_is_sent(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    key = read_secret({"env": "MODELHUB_TEST_UNSET"}, folder="", what="key")
    for ask in (runtime.call, runtime.stream):
        with pytest.raises(KeyMissing):
            ask(make_chat(server.url, key=key), QUESTION)
    assert server.requests == []


def test_a_fault_is_a_provider_error_in_a_stream_too(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    server.on("/chat", Reply(500, json={"error": "壊れた"}))
    with pytest.raises(ProviderError, match="壊れた"):
        runtime.stream(make_chat(server.url), QUESTION)


def test_a_large_body_goes_out_whole(runtime: Driven, server: FaultServer, make_chat: MakeChat) -> None:
    server.on("/chat", Reply(json={"text": "a"}))
    question = TextRequest(messages=(Message("user", "あ" * 700_000),), timeouts=QUESTION.timeouts)
    runtime.call(make_chat(server.url), question)
    assert len(server.requests[0].json()["question"]) == 700_000
