"""AT-H5: a key goes to the origin that it was configured for, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from modelhub.errors import BadRequest, ModelhubError
from modelhub.http import HttpRequest, HttpResponse
from modelhub.interfaces.content import Message
from modelhub.interfaces.text import TextRequest
from modelhub.model import Timeouts
from modelhub.testing.driven import Driven
from modelhub.testing.server import FaultServer, Reply
from modelhub.transport.credentials import Plain
from modelhub.transport.drive import drive
from modelhub.transport.endpoint import HttpModel

MakeChat = Callable[..., HttpModel[Any, Any, Any]]
QUESTION = TextRequest(
    messages=(Message("user", "日本の首都は？"),), timeouts=Timeouts(connect=5, first_token=5, idle=5, total=10)
)
KEY = "sk-s3ntinel-0123456789"
STATUSES = (301, 302, 303, 307, 308)


@pytest.fixture
def thief() -> Iterator[FaultServer]:
    with FaultServer(Reply(json={"text": "stolen"})) as server:
        yield server


@pytest.mark.parametrize("ask", ["call", "stream"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("elsewhere", ["another port", "another name", "without a scheme"])
def test_a_redirect_takes_no_key_to_another_origin(
    runtime: Driven, fault_server: FaultServer, thief: FaultServer, make_chat: MakeChat, ask: str, status: int, elsewhere: str
) -> None:
    """AT-H5: not a byte arrives there; the error names the status, and not the key."""
    place = {
        "another port": thief.url,
        "another name": thief.url.replace("127.0.0.1", "localhost"),
        "without a scheme": thief.url.removeprefix("http:"),
    }[elsewhere]
    fault_server.on("/chat", Reply(status, {"location": f"{place}/chat?key={KEY}"}))
    with pytest.raises(BadRequest, match="not followed") as caught:
        getattr(runtime, ask)(make_chat(fault_server.url, key=Plain(KEY)), QUESTION)
    assert (thief.connections, thief.requests) == (0, [])
    assert len(fault_server.requests) == 1
    assert caught.value.status == status
    assert KEY not in f"{caught.value}{vars(caught.value)}"


@pytest.mark.parametrize("manner", ["send", "open"])
def test_a_runtime_gives_a_redirect_as_it_is(
    runtime: Driven, fault_server: FaultServer, thief: FaultServer, manner: str
) -> None:
    """AT-H5: for the exchanges beside a model's own, too: fetching, polling, tokens."""
    fault_server.on("/", Reply(302, {"location": thief.url}))

    async def exchange() -> int:
        request = HttpRequest("GET", f"{fault_server.url}/", {"authorization": Plain(KEY)})
        answer = await getattr(runtime.runtime, manner)(request, QUESTION.timeouts)
        if not isinstance(answer, HttpResponse):
            await answer.aclose()
        status: int = answer.status
        return status

    assert (drive(exchange()) if runtime.loop is None else runtime.loop.run(exchange())) == 302
    assert thief.connections == 0


def test_a_connection_to_one_origin_serves_no_other(
    runtime: Driven, fault_server: FaultServer, thief: FaultServer, make_chat: MakeChat
) -> None:
    """AT-H5: same host, another port: each gets its own key, over its own connection."""
    fault_server.on("/chat", Reply(json={"text": "東京"}))
    for _ in range(3):
        runtime.call(make_chat(fault_server.url, key=Plain(KEY)), QUESTION)
        runtime.call(make_chat(thief.url, key=Plain("sk-another")), QUESTION)
    assert {request.headers["authorization"] for request in fault_server.requests} == {f"Bearer {KEY}"}
    assert {request.headers["authorization"] for request in thief.requests} == {"Bearer sk-another"}
    assert fault_server.connections == thief.connections == 1


def test_user_and_password_of_an_address_are_sent_to_nobody(
    runtime: Driven, fault_server: FaultServer, make_chat: MakeChat
) -> None:
    """AT-H5: neither as a header nor in the request's first line; and no error shows them."""
    fault_server.on("/chat", Reply(400, json={"error": {"message": "no"}}))
    with pytest.raises(ModelhubError) as caught:
        runtime.call(make_chat(fault_server.url.replace("//", f"//user:{KEY}@"), key=Plain("sk-x")), QUESTION)
    assert KEY not in f"{caught.value}{vars(caught.value)}"
    for request in fault_server.requests:
        assert KEY not in f"{request.path}{dict(request.headers)}"
        assert request.headers["authorization"] == "Bearer sk-x"
