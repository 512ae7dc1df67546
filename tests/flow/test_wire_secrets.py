"""AT-H1: a key appears nowhere but in the request, whatever goes wrong and however one looks."""

from __future__ import annotations

import asyncio
import base64
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from modelhub.errors import InvalidRequest, KeyRefused, ModelhubError
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Received, Reply, sse
from modelhub.transport.credentials import read_secret
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
KEY = "S3ntinel+key/with=odd&signs~0123456789"
FORMS = (
    KEY[:8],
    quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode()[:16],
    base64.b64encode(f"Bearer {KEY}".encode()).decode()[:24],
)
QUESTION = TextRequest(messages=(Message("user", "？"),), timeouts=Timeouts(connect=0.2, first_token=0.3, idle=0.2, total=0.4))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_KEY", KEY)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that any library logs at DEBUG."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio", "modelhub"):
        caplog.set_level(logging.DEBUG, logger=name)
    return lambda: "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)


def parrot(status: int) -> Callable[[Received], Reply]:
    """A server that says the key back, in every form and everywhere."""

    def answer(received: Received) -> Reply:
        bearer = received.headers["authorization"]
        key = bearer.removeprefix("Bearer ")
        forms = [key, bearer, quote(key), key[:8], key[:12] + "...", base64.b64encode(key.encode()).decode()]
        body = {"error": {"message": f"Wrong key: {' '.join(forms)}", "code": key, "all": [{key: forms}]}}
        return Reply(status, {"x-request-id": key}, json=body)

    return answer


EVENT = sse([{"delta": "東"}, "[DONE]"])
FAILURES: dict[str, Any] = {
    **{f"status {status}": parrot(status) for status in (302, 400, 401, 403, 404, 413, 429, 500, 503, 529)},
    "stall at headers": Reply(fault="stall", at="headers"),
    "stall at first": Reply(chunks=EVENT, fault="stall", at="first"),
    "stall in the middle": Reply(chunks=EVENT, fault="stall"),
    "reset at headers": Reply(fault="reset", at="headers"),
    "reset in the middle": Reply(chunks=EVENT, fault="reset"),
    "cut": Reply(chunks=EVENT, fault="cut"),
    "not json": lambda received: Reply(body=f"<html>{received.headers['authorization']}"),
    "not sse": lambda received: Reply(chunks=[f"data: {received.headers['authorization']}\n\n".encode()]),
    "error event": lambda received: Reply(chunks=sse([("error", {"message": received.headers["authorization"]})])),
    "no end": Reply(chunks=EVENT[:1]),
    "not gzip": Reply(headers={"content-encoding": "gzip"}, body=b"plain"),
    "not http": Reply(headers={"content-length": "x"}, length=None, body=b""),
}


def all_that_shows(error: BaseException) -> str:
    """The error and everything behind it, with the local variables of every frame but the test's, its fields, its pickle."""
    shown = []
    seen: BaseException | None = error
    while seen is not None:
        trace = seen.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        shown += traceback.TracebackException(type(seen), seen, trace, capture_locals=True).format(chain=False)
        shown += [repr(seen), str(seen), repr(vars(seen)), repr(seen.args)]
        shown.append(pickle.dumps(seen).decode("latin-1") if isinstance(seen, ModelhubError) else "")
        seen = seen.__cause__ or seen.__context__
    return "\n".join(shown)


def spilled(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


def failed(ask: Callable[..., Any], model: Any) -> ModelhubError | None:
    try:
        ask(model, QUESTION)
    except ModelhubError as error:
        return error
    return None


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_the_key(runtime: Driven, make_chat: MakeChat, logged: Callable[[], str], failure: str) -> None:
    """AT-H1: every class of error, its fields, pickle, traceback with locals, chained exceptions, and DEBUG logs."""
    key = read_secret({"env": "SENTINEL_KEY"}, folder="", what="key")
    with FaultServer(FAILURES[failure]) as server:
        model = make_chat(server.url, key=key)
        for ask in (runtime.call, runtime.stream):
            error = failed(ask, model)
            assert error is None or spilled(all_that_shows(error)) == []
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}", "it did go out"
    log = logged() if not failure.startswith("status") else logged().replace(f"(b'x-request-id', b'{KEY}')", "")
    assert spilled(log) == []


def test_a_refused_key_keeps_all_else_that_the_server_said(runtime: Driven, make_chat: MakeChat) -> None:
    key = read_secret({"env": "SENTINEL_KEY"}, folder="", what="key")
    with FaultServer(parrot(401)) as server, pytest.raises(KeyRefused) as caught:
        runtime.call(make_chat(server.url, key=key), QUESTION)
    assert caught.value.message.startswith("Wrong key: [key]")
    assert caught.value.code == "[key]"
    assert caught.value.status == 401


def test_a_good_answer_is_not_touched(runtime: Driven, make_chat: MakeChat) -> None:
    """A short or common key must not eat words out of answers."""
    key = read_secret("password", folder="", what="key")
    with FaultServer(Reply(json={"text": "A password is a word."})) as server:
        assert runtime.call(make_chat(server.url, key=key), QUESTION).text == "A password is a word."


@pytest.mark.parametrize("odd", ["sk-line\nbreak", "sk-日本語", "sk-nul\0"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(runtime: Driven, make_chat: MakeChat, odd: str) -> None:
    key = read_secret(odd, folder="", what="key")
    with FaultServer() as server:
        for ask in (runtime.call, runtime.stream):
            with pytest.raises(InvalidRequest, match="authorization") as caught:
                ask(make_chat(server.url, key=key), QUESTION)
            assert odd[:4] not in all_that_shows(caught.value)
        assert server.requests == []


def test_no_object_on_the_way_shows_the_key(make_chat: MakeChat) -> None:
    """AT-H1: repr, str and vars of the model, its endpoint, the request it builds."""
    key = read_secret({"env": "SENTINEL_KEY"}, folder="", what="key")
    model = make_chat("http://127.0.0.1:1", key=key)
    built = model.endpoint.build(QUESTION, stream=False)
    for thing in (model, model.endpoint, built, dict(built.headers), key, vars(model), vars(model.endpoint)):
        assert spilled(repr(thing) + str(thing)) == []
    assert spilled(pickle.dumps(built).decode("latin-1")) == []


def test_a_cancelled_call_shows_no_key(make_chat: MakeChat) -> None:
    """AT-H1: what asyncio would print of the task."""
    from modelhub.transport.asynchronous import AsyncRuntime

    key = read_secret({"env": "SENTINEL_KEY"}, folder="", what="key")

    async def cancelled(url: str) -> BaseException:
        patient = replace(QUESTION, timeouts=Timeouts())
        task = asyncio.create_task(make_chat(url, key=key).call(patient, AsyncRuntime()))
        assert await asyncio.to_thread(server.wait_for_requests, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value

    with FaultServer(Reply(fault="stall", at="headers")) as server:
        error = asyncio.run(cancelled(server.url))
    assert spilled("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())) == []
