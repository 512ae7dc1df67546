"""AT-C7: four time-outs, on every path, within 20 percent; what is slow but alive is left alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from modelhub.errors import TimedOut
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Finished, Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply, sse
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
EVENTS = sse([{"delta": "東"}, {"delta": "京"}, "[DONE]"])
LONG = 5.0
BUSY = 0.3  # a busy machine's share


def asked(**timeouts: float) -> TextRequest:
    patient = {"connect": LONG, "first_token": LONG, "idle": LONG, "total": LONG}
    return TextRequest(messages=(Message("user", "？"),), timeouts=Timeouts(**{**patient, **timeouts}))


def late(ask: Callable[..., Any], model: Any, request: TextRequest) -> tuple[TimedOut, float]:
    """The time-out, or the one behind a broken stream, and the seconds until it came."""
    started = time.monotonic()
    with pytest.raises(Exception) as caught:
        ask(model, request)
    seconds = time.monotonic() - started
    error = caught.value if isinstance(caught.value, TimedOut) else caught.value.__cause__
    assert isinstance(error, TimedOut)
    return error, seconds


STALLS: list[tuple[bool, str, dict[str, float], str]] = [
    (False, "headers", {"total": 0.4}, "total"),
    (False, "first", {"idle": 0.3}, "idle"),
    (False, "middle", {"idle": 0.3}, "idle"),
    (False, "middle", {"total": 0.4}, "total"),
    (True, "headers", {"first_token": 0.3}, "first_token"),
    (True, "headers", {"total": 0.4}, "total"),
    (True, "first", {"first_token": 0.3}, "first_token"),
    (True, "first", {"first_token": 0.3, "idle": 0.1}, "first_token"),
    (True, "middle", {"idle": 0.3}, "idle"),
    (True, "middle", {"idle": 0.6, "first_token": 0.3}, "idle"),
    (True, "middle", {"total": 0.4}, "total"),
]


@pytest.mark.parametrize(("stream", "at", "timeouts", "phase"), STALLS)
def test_a_stall_raises_the_time_out_of_its_phase(
    runtime: Driven, make_chat: MakeChat, stream: bool, at: Any, timeouts: dict[str, float], phase: str
) -> None:
    """AT-C7."""
    with FaultServer(Reply(chunks=EVENTS, fault="stall", at=at)) as server:
        ask = runtime.stream if stream else runtime.call
        error, seconds = late(ask, make_chat(server.url), asked(**timeouts))
        assert (error.phase, error.seconds) == (phase, timeouts[phase])
        assert timeouts[phase] * 0.95 <= seconds <= timeouts[phase] * 1.2 + BUSY
        assert server.wait_for_disconnect(1)


@pytest.mark.parametrize("stream", [True, False])
def test_a_server_that_never_accepts_is_a_connect_time_out(runtime: Driven, make_chat: MakeChat, stream: bool) -> None:
    """AT-C7."""
    with FaultServer(accepting=False) as server:
        ask = runtime.stream if stream else runtime.call
        error, seconds = late(ask, make_chat(server.url), asked(connect=0.3))
        assert error.phase == "connect"
        assert 0.28 <= seconds <= 0.36 + BUSY


def test_a_tls_greeting_that_stalls_is_a_connect_time_out(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-C7: the greeting is part of connecting. The server waits for a request and never greets."""
    with FaultServer() as server:
        error, seconds = late(runtime.call, make_chat(server.url.replace("http:", "https:")), asked(connect=0.3))
        assert error.phase == "connect"
        assert seconds <= 1.5  # the first use of TLS in a process reads the certificates


def test_a_stream_that_is_slow_but_alive_is_not_killed(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-C7: bytes every 0.8 x idle, for 10 x idle."""
    events = sse([*({"delta": "遅"} for _ in range(13)), "[DONE]"])
    patient = asked(idle=1.0, first_token=3.0, total=60)
    with FaultServer(Reply(chunks=events, chunk_delay=0.8)) as server:
        *deltas, finished = runtime.stream(make_chat(server.url), patient)
        assert len(deltas) == 13
        assert isinstance(finished, Finished)
        assert finished.response.timing.total > 10.0


def test_a_whole_answer_that_is_slow_but_alive_is_not_killed(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-C7."""
    pieces = [bytes([byte]) for byte in '{"text": "遅"}'.encode()]
    with FaultServer(Reply(chunks=pieces, chunk_delay=0.8)) as server:
        assert runtime.call(make_chat(server.url), asked(idle=1.0, total=60)).text == "遅"


def test_a_ping_does_not_count_as_the_first_token(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-C7: comments and ping events bring bytes and no content."""
    pings = [b": ping\n\n", b"event: ping\ndata: {}\n\n"] * 20
    with FaultServer(Reply(chunks=[*pings, *EVENTS], chunk_delay=0.04)) as server:
        error, seconds = late(runtime.stream, make_chat(server.url), asked(first_token=0.3, idle=0.2))
        assert error.phase == "first_token"
        assert 0.28 <= seconds <= 0.36 + BUSY


def test_pings_keep_a_stream_alive_once_it_has_begun(runtime: Driven, make_chat: MakeChat) -> None:
    events = [EVENTS[0], *([b": ping\n\n"] * 8), *EVENTS[1:]]
    with FaultServer(Reply(chunks=events, chunk_delay=0.2)) as server:
        assert runtime.stream(make_chat(server.url), asked(idle=0.6, first_token=0.6))[-1].response.text == "東京"


def test_a_stream_that_never_ends_stops_at_the_total(runtime: Driven, make_chat: MakeChat) -> None:
    """AT-C7: bytes that keep coming do not stretch the total."""
    events = sse({"delta": "永"} for _ in range(500))
    with FaultServer(Reply(chunks=events, chunk_delay=0.01)) as server:
        error, seconds = late(runtime.stream, make_chat(server.url), asked(total=0.4))
        assert error.phase == "total"
        assert seconds <= 0.48 + BUSY


def test_without_time_outs_nothing_is_hurried(runtime: Driven, make_chat: MakeChat) -> None:
    forever = TextRequest(
        messages=(Message("user", "？"),), timeouts=Timeouts(connect=None, first_token=None, idle=None, total=None)
    )
    with FaultServer(Reply(chunks=EVENTS, delay=0.1, first_delay=0.1, chunk_delay=0.1)) as server:
        assert runtime.stream(make_chat(server.url), forever)[-1].response.text == "東京"


def test_the_defaults_are_finite() -> None:
    """AT-C7."""
    defaults = Timeouts()
    assert all(seconds is not None for seconds in (defaults.connect, defaults.first_token, defaults.idle, defaults.total))
