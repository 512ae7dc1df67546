"""A job is submitted once, and asked after until it is done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Never

import pytest

from modelhub.errors import (
    AnswerError,
    KeyRefused,
    ModelhubError,
    OutcomeUnknown,
    ProviderDown,
    ProviderError,
    TimedOut,
    UnknownModel,
    Unreachable,
)
from modelhub.http import Headers, HttpRequest, HttpResponse, Secret
from modelhub.model import ModelCard, Request, Response, Timeouts
from modelhub.testing import Driven, FakeRuntime, FaultServer, Reply, drive, retry_after_forms
from modelhub.transport.endpoint import Decoder, FollowUp, HttpModel
from modelhub.transport.faults import fault

JOB = "http://host/jobs/1"


@dataclass(frozen=True)
class Jobs:
    """Submits to ``/jobs``; the answer says where to ask, and then how it stands."""

    url: str = "http://host"
    key: str | Secret = "none"

    @property
    def card(self) -> ModelCard:
        return ModelCard(model="host:jobs", kind="image")

    def build(self, request: Request, *, stream: bool) -> HttpRequest:
        return HttpRequest("POST", f"{self.url}/jobs", {"authorization": self.key}, b"{}")

    def follow(self, response: HttpResponse) -> FollowUp | None:
        said = json.loads(response.body or b"{}")
        if said.get("status") == "failed":
            raise ProviderDown("The job failed.")
        if "operation-location" in response.headers:
            return FollowUp(HttpRequest("GET", response.headers["operation-location"], {"authorization": self.key}))
        return FollowUp() if said.get("status") == "running" else None

    def parse(self, response: HttpResponse) -> Response:
        return Response(model=json.loads(response.body)["result"])

    def decoder(self) -> Decoder[Never]:
        raise AssertionError

    def fault(self, response: HttpResponse) -> ModelhubError:
        return fault(response)


def accepted(**headers: str) -> HttpResponse:
    return HttpResponse(202, Headers({"operation-location": JOB, **headers}))


def running(**headers: str) -> HttpResponse:
    return HttpResponse(200, Headers(headers), b'{"status": "running"}')


DONE = HttpResponse(200, Headers(), b'{"status": "succeeded", "result": "a picture"}')


def asked(*answers: HttpResponse | Exception, total: float | None = None) -> tuple[Response, FakeRuntime]:
    runtime = FakeRuntime(answers)
    return drive(HttpModel(Jobs()).call(Request(timeouts=Timeouts(total=total)), runtime)), runtime


def methods(runtime: FakeRuntime) -> str:
    return " ".join(request.method for request in runtime.requests)


def test_a_job_is_submitted_once_and_asked_after_until_it_is_done() -> None:
    """AT-D3, AT-M: no automatic re-submit."""
    response, runtime = asked(accepted(), running(), running(), DONE)
    assert response.model == "a picture"
    assert methods(runtime) == "POST GET GET GET"
    assert {request.url for request in runtime.requests[1:]} == {JOB}


@pytest.mark.parametrize("form", ["fraction", "seconds", "milliseconds", "date"])
def test_the_wait_between_two_questions_is_the_one_that_is_told(form: str) -> None:
    headers, seconds = retry_after_forms()[form]
    _, runtime = asked(accepted(**headers), running(**headers), DONE)
    assert runtime.sleeps == [pytest.approx(seconds, abs=1.5)] * 2


def test_without_a_time_the_questions_come_less_and_less_often() -> None:
    _, runtime = asked(accepted(), *[running()] * 12, DONE)
    assert runtime.sleeps[:3] == [1.0, 1.5, 2.25]
    assert runtime.sleeps == sorted(runtime.sleeps)
    assert max(runtime.sleeps) == 10.0


@pytest.mark.parametrize(
    "trouble",
    [
        Unreachable("no route"),
        OutcomeUnknown("it broke"),
        TimedOut("slow", phase="idle", seconds=1),
        HttpResponse(429, Headers({"retry-after": "7"})),
        HttpResponse(503),
        HttpResponse(408),
    ],
)
def test_a_question_that_did_not_come_through_is_asked_again_and_the_job_is_not_submitted_again(trouble: Any) -> None:
    """AT-D3: what may be repeated is the question alone."""
    response, runtime = asked(accepted(), trouble, DONE)
    assert response.model == "a picture"
    assert methods(runtime) == "POST GET GET"
    if isinstance(trouble, HttpResponse) and trouble.status == 429:
        assert runtime.sleeps[-1] == 7


def test_all_of_it_ends_with_the_time_for_the_whole_call() -> None:
    with pytest.raises(TimedOut, match="still at work after 20 s") as failure:
        asked(accepted(), *[running()] * 99, total=20)
    assert failure.value.phase == "total"
    assert not failure.value.retryable


def test_a_wait_does_not_outlast_the_call() -> None:
    runtime = FakeRuntime([accepted(**{"retry-after": "3600"}), running()])
    with pytest.raises(TimedOut):
        drive(HttpModel(Jobs()).call(Request(timeouts=Timeouts(total=20)), runtime))
    assert runtime.clock == pytest.approx(20)


def test_a_job_that_failed_is_never_retryable() -> None:
    """AT-D3: the same error, from a request that was refused, would be."""
    with pytest.raises(ProviderDown, match="The job failed") as failure:
        asked(accepted(), HttpResponse(200, Headers(), b'{"status": "failed"}'))
    assert not failure.value.retryable


def test_a_job_that_is_gone_is_an_error() -> None:
    with pytest.raises(UnknownModel):
        asked(accepted(), HttpResponse(404, Headers(), b'{"error": "no such job"}'))


def test_a_host_that_does_not_say_where_to_ask_is_not_asked_again() -> None:
    """AT-D3: the only request there is to repeat is the one that costs."""
    runtime = FakeRuntime([running()])
    with pytest.raises(AnswerError, match="does not say where"):
        drive(HttpModel(Jobs()).call(Request(), runtime))
    assert methods(runtime) == "POST"


class Token:
    """A token that ends after one use, and can be renewed."""

    renewable = True

    def __init__(self) -> None:
        self.number = 1

    @property
    def loaded(self) -> bool:
        return True

    def load(self, timeout: float | None = None) -> None:
        pass

    def reveal(self) -> str:
        return f"Bearer token-{self.number}"

    def forget(self) -> None:
        self.number += 1


def test_a_token_that_ends_while_the_job_is_at_work_is_renewed_once() -> None:
    refused, again = (HttpResponse(401, Headers(), b'{"error": {"message": "expired: token-%d"}}' % token) for token in (1, 2))
    runtime = FakeRuntime([accepted(), refused, running(), DONE])
    assert drive(HttpModel(Jobs(key=Token())).call(Request(), runtime)).model == "a picture"
    assert methods(runtime) == "POST GET GET GET"
    runtime = FakeRuntime([accepted(), refused, again])
    with pytest.raises(KeyRefused) as failure:
        drive(HttpModel(Jobs(key=Token())).call(Request(), runtime))
    assert str(failure.value) == "expired: [key]"


def test_over_a_real_connection_in_both_runtimes(runtime: Driven) -> None:
    """AT-M: the older polling form: 202, operation-location, Retry-After."""
    with FaultServer() as server:
        ready = {"status": "succeeded", "result": "a picture"}
        server.on("/jobs", Reply(202, {"operation-location": f"{server.url}/jobs/1", "retry-after": "0.05"}))
        waiting = Reply(json={"status": "running"}, headers={"retry-after": "0.05"})
        broken = Reply(fault="cut", at="headers")
        server.on("/jobs/1", waiting, broken, waiting, Reply(json=ready))
        response = runtime.call(HttpModel(Jobs(server.url)), Request())
        assert response.model == "a picture"
        assert [request.method for request in server.requests].count("POST") == 1


def test_an_ended_job_is_a_provider_error(runtime: Driven) -> None:
    fake = Driven(FakeRuntime([accepted(), HttpResponse(400, Headers(), b'{"error": "cancelled"}')]), runtime.loop)
    with pytest.raises(ProviderError):
        fake.call(HttpModel(Jobs()), Request())
