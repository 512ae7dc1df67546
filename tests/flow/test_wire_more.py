"""Wire claims that came later: streams closed from elsewhere, keys that change, time-outs of fetching, odd addresses."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelhub.clients.streams import Stream
from modelhub.errors import InvalidRequest, KeyRefused, ModelhubError, StreamBroken, TimedOut
from modelhub.http import HttpRequest
from modelhub.interfaces.content import Message
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Received, Reply, sse
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.credentials import read_secret
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(messages=(Message("user", "？"),))
EVENTS = sse([{"delta": "東"}, "[DONE]"])


class Reader(threading.Thread):
    """Reads a stream in a thread of its own, and keeps what came of it."""

    def __init__(self, stream: Stream[Any, Any]) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.events: list[Any] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for event in self.stream:
                self.events.append(event)
        except Exception as error:  # noqa: BLE001  # what the test looks at
            self.error = error

    def ended(self) -> bool:
        self.join(1)
        return not self.is_alive()


@pytest.mark.parametrize("at", ["headers", "first", "middle"])
def test_a_stream_is_closed_from_another_thread_wherever_its_reader_waits(make_chat: MakeChat, at: Any) -> None:
    with FaultServer(Reply(chunks=EVENTS, fault="stall", at=at)) as server:
        reader = Reader(Stream(make_chat(server.url).stream(QUESTION, BlockingRuntime())))
        assert server.wait_for_requests(1)
        time.sleep(0.1)
        started = time.monotonic()
        reader.stream.close()
        assert reader.ended()
        assert server.wait_for_disconnect(1)
        assert time.monotonic() - started < 1
    assert isinstance(reader.error, StreamBroken)
    assert "closed" in reader.error.message
    if at == "middle":
        assert reader.events == [TextDelta("東")]
        assert getattr(reader.error.partial, "text", None) == "東"
    assert list(reader.stream) == []


def test_closing_one_stream_leaves_the_calls_beside_it_alone(make_chat: MakeChat) -> None:
    runtime = BlockingRuntime()
    with FaultServer(Reply(chunks=EVENTS, fault="stall")) as server:
        server.on("/other", Reply(chunks=EVENTS))
        reader = Reader(Stream(make_chat(server.url).stream(QUESTION, runtime)))
        assert server.wait_for_requests(1)
        other = Stream(make_chat(server.url, path="/other").stream(QUESTION, runtime))
        assert next(other) == TextDelta("東")
        reader.stream.close()
        assert other.collect().text == "東"
        assert reader.ended()
        assert Stream(make_chat(server.url, path="/other").stream(QUESTION, runtime)).collect().text == "東"
    runtime.close()


def test_a_stream_closed_by_its_own_reader_ends(make_chat: MakeChat) -> None:
    with FaultServer(Reply(chunks=EVENTS, fault="stall")) as server:
        stream = Stream(make_chat(server.url).stream(QUESTION, BlockingRuntime()))
        assert next(stream) == TextDelta("東")
        stream.close()
        assert list(stream) == []
        assert server.wait_for_disconnect(0.5)
        with pytest.raises(StreamBroken):
            stream.collect()


def test_many_closings_at_any_moment_end_in_nothing_but_our_errors(make_chat: MakeChat) -> None:
    runtime = BlockingRuntime()
    with FaultServer(Reply(chunks=sse([{"delta": "永"}] * 20 + ["[DONE]"]), chunk_delay=0.001)) as server:
        for number in range(40):
            reader = Reader(Stream(make_chat(server.url).stream(QUESTION, runtime)))
            time.sleep(number * 0.0008)
            reader.stream.close()
            assert reader.ended()
            assert reader.error is None or isinstance(reader.error, StreamBroken)
    runtime.close()


def accepting(key: str) -> Callable[[Received], Reply]:
    """A server that accepts one key, and repeats any other."""

    def answer(received: Received) -> Reply:
        bearer = received.headers["authorization"]
        return Reply(json={"text": "はい"}) if bearer == f"Bearer {key}" else Reply(401, json={"message": f"Not {bearer}"})

    return answer


def test_a_key_in_a_file_that_changes_is_read_again(runtime: Driven, make_chat: MakeChat, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text("sk-first-key", encoding="utf-8")
    with FaultServer(accepting("sk-second-one")) as server:
        model = make_chat(server.url, key=read_secret({"file": "key.txt"}, folder=str(tmp_path), what="key"))
        with pytest.raises(KeyRefused, match=r"Not Bearer \[key\]"):
            runtime.call(model, QUESTION)
        file.write_text("sk-second-one", encoding="utf-8")
        assert runtime.call(model, QUESTION).text == "はい"
        file.unlink()
        assert runtime.call(model, QUESTION).text == "はい", "a file that is being replaced is no reason to stop"


def test_a_command_is_asked_again_after_a_refusal_and_only_then(runtime: Driven, make_chat: MakeChat, tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = f"f = open({str(count)!r}, 'a+'); f.write('x'); f.seek(0); print('sk-rotated-' + str(len(f.read())))"
    with FaultServer(accepting("sk-rotated-2")) as server:
        model = make_chat(server.url, key=read_secret({"command": [sys.executable, "-c", program]}, folder="", what="key"))
        with pytest.raises(KeyRefused) as caught:
            runtime.call(model, QUESTION)
        assert "sk-rotated" not in str(caught.value)
        for _ in range(3):
            assert runtime.call(model, QUESTION).text == "はい"
        assert len(server.requests) == 4, "nothing is sent again by itself"
    assert count.read_text(encoding="utf-8") == "xx"


def test_fetching_a_key_takes_no_longer_than_the_call_may(runtime: Driven, make_chat: MakeChat) -> None:
    key = read_secret({"command": [sys.executable, "-c", "import time; time.sleep(4)"]}, folder="", what="key")
    request = TextRequest(messages=QUESTION.messages, timeouts=Timeouts(total=0.5))
    with FaultServer(Reply(json={"text": "late"})) as server:
        for ask in (runtime.call, runtime.stream):
            started = time.monotonic()
            with pytest.raises(TimedOut) as caught:
                ask(make_chat(server.url, key=key), request)
            assert time.monotonic() - started < 2
            assert (caught.value.phase, caught.value.seconds) == ("total", 0.5)
        assert server.requests == []


def test_the_time_of_fetching_counts_for_the_whole_call(runtime: Driven, make_chat: MakeChat) -> None:
    program = "import time; time.sleep(0.5); print('sk-slow')"
    key = read_secret({"command": [sys.executable, "-c", program]}, folder="", what="key")
    with FaultServer(Reply(json={"text": "late"}, delay=0.8)) as server:
        started = time.monotonic()
        with pytest.raises(TimedOut):
            runtime.call(make_chat(server.url, key=key), TextRequest(messages=QUESTION.messages, timeouts=Timeouts(total=1)))
        assert time.monotonic() - started < 1.2


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://a\ud800b", "http://a b", "http://", "日本", "http://h:99999999", "http://u:PASSWD99/x@[h"]
)
def test_an_address_that_is_none_is_an_invalid_request_or_leads_nowhere(runtime: Driven, make_chat: MakeChat, url: str) -> None:
    with pytest.raises(ModelhubError) as caught:
        runtime.call(make_chat(url), QUESTION)
    assert "PASSWD" not in str(caught.value)


def test_neither_a_model_nor_a_request_shows_the_password_of_an_address(runtime: Driven, make_chat: MakeChat) -> None:
    model = make_chat("http://u:PASSWD99@127.0.0.1:1")
    request = HttpRequest("GET", "http://u:PASSWD99@h/v1/x?key=sk-1&v=2#sk-2")
    with pytest.raises(ModelhubError) as caught:
        runtime.call(model, QUESTION)
    assert "PASSWD" not in repr(model) + str(model) + repr(request) + str(caught.value)
    assert repr(request) == "HttpRequest(method='GET', url='http://h/v1/x?key=...&v=...')"
    assert repr(model) == "HttpModel('chat:small')"


def test_a_request_that_cannot_be_written_is_an_invalid_request(runtime: Driven, make_chat: MakeChat) -> None:
    request = TextRequest(messages=(Message("user", "a\ud800b"),))
    for ask in (runtime.call, runtime.stream):
        with pytest.raises(InvalidRequest, match="chat:small") as caught:
            ask(make_chat("http://127.0.0.1:1"), request)
        assert isinstance(caught.value.__cause__, UnicodeEncodeError)
