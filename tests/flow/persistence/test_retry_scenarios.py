"""Who asks again, how often, and when not: against a server that counts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import modelhub
from modelhub import OutcomeUnknown, ProviderDown, RateLimited, StreamBroken, Timeouts, Unreachable
from modelhub.model import KINDS
from modelhub.testing.server import Reply, sse

SMALL = {"a": {"model": "parrot:small"}}
WAYS = {"call": 1, "alias": 3, "variable": 4, "table": 5}
"""Each way of saying how often, the nearest first, and what it says here."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_asked_again_and_tells_of_it(
    asked: Any, kind: str, soon: dict[str, str], said: Callable[..., Reply]
) -> None:
    """AT-D1: every attempt and who served is on the response."""
    asked.server.on("/small", Reply(429, soon), Reply(503, soon), said("晴れ"))
    response = asked.ask(asked.hub(SMALL), "a", kind)
    assert asked.paths() == ["small"] * 3
    assert [(attempt.model, type(attempt.error)) for attempt in response.attempts] == [
        ("parrot:small", RateLimited),
        ("parrot:small", ProviderDown),
        ("parrot:small", type(None)),
    ]
    assert (response.provider, response.model) == ("parrot", "small")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_stops_after_two_and_tells_of_all(asked: Any, kind: str, soon: dict[str, str]) -> None:
    """AT-D1: the plugin's layers add none."""
    asked.server.on("/small", Reply(429, soon))
    with pytest.raises(RateLimited) as caught:
        asked.ask(asked.hub(SMALL), "a", kind)
    assert len(asked.server.requests) == 3
    assert [type(attempt.error) for attempt in caught.value.attempts] == [RateLimited] * 2
    assert caught.value.__cause__ is caught.value.attempts[1].error
    assert caught.value.__cause__.__cause__ is caught.value.attempts[0].error


PAIRS = [ways for size in (0, 1, 2, 3, 4) for ways in combinations(WAYS, size)]


@pytest.mark.parametrize("ways", PAIRS, ids=lambda ways: "+".join(ways) or "default")
def test_the_nearest_of_those_who_say_how_often_has_it(
    asked: Any, ways: tuple[str, ...], soon: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AT-D1: requests == 1 + N for each way of setting N, all pairs, and more: call > alias > variable > table > 2."""
    lines = [f'[providers.parrot]\nurl = "{asked.server.url}"', '[models.a]\nmodel = "parrot:small"']
    if "alias" in ways:
        lines.append(f"retry = {{ times = {WAYS['alias']} }}")
    if "table" in ways:
        lines.append(f"[retry]\ntimes = {WAYS['table']}")
    if "variable" in ways:
        monkeypatch.setenv("MODELHUB_RETRIES", str(WAYS["variable"]))
    file = tmp_path / "modelhub.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    asked.server.on("/small", Reply(429, soon))
    with pytest.raises(RateLimited):
        asked.ask(asked.opened(file), "a", **({"retries": WAYS["call"]} if "call" in ways else {}))
    assert len(asked.server.requests) == 1 + (WAYS[ways[0]] if ways else 2)


def test_none_is_a_number_of_retries(asked: Any, soon: dict[str, str]) -> None:
    """AT-D1: 0 by each way."""
    asked.server.on("/small", Reply(429, soon))
    for hub, options in (
        (asked.hub(SMALL), {"retries": 0}),
        (asked.hub({"a": {"model": "parrot:small", "retry": {"times": 0}}}), {}),
        (asked.hub(SMALL, retry={"times": 0}), {}),
    ):
        with pytest.raises(RateLimited) as caught:
            asked.ask(hub, "a", **options)
        assert caught.value.attempts == ()
    assert len(asked.server.requests) == 3


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_a_stream_is_asked_for_again_before_its_first_event(
    asked: Any, kind: str, soon: dict[str, str], said: Callable[..., Reply]
) -> None:
    refused = Reply(headers={"content-type": "text/event-stream"}, chunks=sse([("error", {"message": "overloaded"})]))
    asked.server.on("/small", Reply(429, soon), refused, said("晴れ", stream=True))
    response = asked.stream(asked.hub(SMALL), "a", kind)
    assert [type(attempt.error) for attempt in response.attempts] == [RateLimited, ProviderDown, type(None)]


def test_a_stream_that_breaks_after_its_first_event_is_not_asked_for_again(asked: Any, soon: dict[str, str]) -> None:
    """AT-D5: once a word is out it cannot be unsaid."""
    head = {"content-type": "text/event-stream"}
    asked.server.on("/small", Reply(429, soon), Reply(headers=head, chunks=sse(["晴", "れ"]), fault="cut", at="middle"))
    with pytest.raises(StreamBroken) as caught:
        asked.stream(asked.hub(SMALL), "a")
    assert len(asked.server.requests) == 2
    assert caught.value.partial.text == "晴"
    assert [type(attempt.error) for attempt in caught.value.attempts] == [RateLimited]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_request_of_unknown_outcome_is_sent_once(asked: Any, kind: str, fault: Any) -> None:
    """AT-D3: the server had read it all when the connection broke; it may be paid for."""
    asked.server.on("/small", Reply(fault=fault, at="headers"))
    with pytest.raises(OutcomeUnknown) as caught:
        asked.ask(asked.hub(SMALL), "a", kind, retries=5)
    assert len(asked.server.requests) == 1
    assert (caught.value.retryable, caught.value.attempts) == (False, ())


@pytest.mark.parametrize("fault", ["cut", "reset"])
@pytest.mark.parametrize("at", ["headers", "first"])
def test_a_stream_that_breaks_before_its_first_event_is_sent_once(asked: Any, fault: Any, at: Any) -> None:
    """AT-D3: nothing was shown, and yet it may be paid for."""
    head = {"content-type": "text/event-stream"}
    asked.server.on("/small", Reply(headers=head, chunks=sse(["晴", "れ"]), fault=fault, at=at))
    with pytest.raises(modelhub.ModelhubError) as caught:
        asked.stream(asked.hub(SMALL), "a", retries=5)
    assert (caught.value.retryable, len(asked.server.requests)) == (False, 1)


def test_an_answer_that_does_not_come_in_time_is_not_asked_for_again(asked: Any) -> None:
    """AT-D3: it may be under way."""
    asked.server.on("/small", Reply(fault="stall", at="headers"))
    with pytest.raises(modelhub.TimedOut) as caught:
        asked.ask(asked.hub(SMALL), "a", retries=5, timeouts=Timeouts(total=0.3))
    assert (caught.value.phase, caught.value.retryable, len(asked.server.requests)) == ("total", False, 1)


def test_a_connection_that_is_refused_is_tried_again(asked: Any) -> None:
    """AT-D3: nothing was sent, so nothing can be paid twice."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        hub = asked.opened({"models": SMALL, "providers": {"parrot": {"url": url}}})
        with pytest.raises(Unreachable) as caught:
            asked.ask(hub, "a", retries=1)
    assert [type(attempt.error) for attempt in caught.value.attempts] == [Unreachable]


@pytest.mark.alone
def test_cancelled_while_it_waits_it_ends_at_once_and_sends_nothing_more(asked: Any) -> None:
    """AT-D4: whoever cancels is not made to wait for the next attempt."""
    asked.server.on("/small", Reply(429, {"retry-after": "30"}))
    if asked.loop is None:
        return _close_elsewhere(asked)

    async def cancelled() -> float:
        import asyncio

        task = asyncio.create_task(asked.hub(SMALL).text("a").generate("？"))
        await asyncio.to_thread(asked.server.wait_for_requests, 1)
        await asyncio.sleep(0.2)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - start

    assert asked.loop.run(cancelled()) < 0.2
    assert len(asked.server.requests) == 1
    return None


def _close_elsewhere(asked: Any) -> None:
    """The blocking manner has no cancel: another thread closes the stream that waits for its next attempt."""
    events, errors = asked.hub(SMALL).text("a").stream("？"), list[Exception]()

    def read() -> None:
        try:
            next(events)
        except StreamBroken as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert asked.server.wait_for_requests(1)
    time.sleep(0.2)
    start = time.monotonic()
    events.close()
    reader.join(5)
    assert time.monotonic() - start < 0.2
    assert (len(errors), len(asked.server.requests)) == (1, 1)


@pytest.mark.skipif(os.name != "posix", reason="an interrupt is sent as POSIX does")
@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asynchronous"])
def test_an_interrupt_while_it_waits_ends_it_at_once(asynchronous: bool, fault_server: Any, tmp_path: Path) -> None:
    """AT-D4: Ctrl-C."""
    fault_server.on("/small", Reply(429, {"retry-after": "30"}))
    program = f"""
import asyncio, modelhub, time
config = {{"models": {json.dumps(SMALL)}, "providers": {{"parrot": {{"url": "{fault_server.url}"}}}}}}
async def main():
    await modelhub.AsyncHub(config).text("a").generate("?")
try:
    asyncio.run(main()) if {asynchronous} else modelhub.Hub(config).text("a").generate("?")
except KeyboardInterrupt:
    print("ended at", time.monotonic())
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent / "installed"), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, cwd=tmp_path)
    assert fault_server.wait_for_requests(1, 20)
    time.sleep(1.0)  # it has read the answer, and waits
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=20)
    assert 0 < float(told.removeprefix(b"ended at ")) - start < 0.5, "200 ms, and as much again for a busy machine"
    assert len(fault_server.requests) == 1


def test_the_timing_is_that_of_the_whole_call(asked: Any, said: Callable[..., Reply]) -> None:
    asked.server.on("/small", Reply(429, {"retry-after-ms": "150"}), said("晴れ"))
    assert asked.ask(asked.hub(SMALL), "a").timing.total >= 0.15


def test_earlier_attempts_hold_no_frames(asked: Any, soon: Mapping[str, str], said: Callable[..., Reply]) -> None:
    """A response that is kept keeps no request, no connection and no key."""
    asked.server.on("/small", Reply(429, soon), said("晴れ"))
    error = asked.ask(asked.hub(SMALL), "a").attempts[0].error
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)
