"""A model that has to be loaded is waited for: as long as its provider says, three requests at most, never past a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from modelhub_huggingface.waiting import Waiting

from modelhub.plugin import (
    Finished,
    InvalidRequest,
    Message,
    ModelCard,
    ModelLoading,
    Runtime,
    TextDelta,
    TextPart,
    TextRequest,
    TextResponse,
    Timeouts,
)
from modelhub.testing import Driven, FakeRuntime

ASKED = TextRequest(messages=(Message("user", "東京の天気は？"),))
ANSWER: TextResponse[Any] = TextResponse(
    content=(TextPart("雨です。"),), finish_reason="stop", model="m", provider="huggingface"
)


def loading(eta: float | None = 20.0) -> ModelLoading:
    return ModelLoading("Model m is currently loading", status=503, retry_after=eta)


@dataclass
class Cold:
    """A model that raises what it is given before it answers."""

    errors: list[Exception]
    asked: list[TextRequest] = field(default_factory=list)
    card: ModelCard = ModelCard(model="huggingface:m", kind="text")

    async def call(self, request: TextRequest, runtime: Runtime) -> TextResponse[Any]:
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop(0)
        yield TextDelta("雨です。")
        yield Finished(ANSWER)


@pytest.fixture(params=["blocking", "asynchronous"])
def caller(request: pytest.FixtureRequest) -> Iterator[Driven]:
    """Both manners of calling, on a clock that the tests can read."""
    if request.param == "blocking":
        yield Driven(FakeRuntime())
    else:
        with asyncio.Runner() as loop:
            yield Driven(FakeRuntime(), loop)


def asked(caller: Driven, model: Waiting[Any, Any, Any], request: TextRequest = ASKED) -> tuple[Any, FakeRuntime]:
    """What the call gives or raises, and the runtime in which it did."""
    runtime = caller.runtime
    assert isinstance(runtime, FakeRuntime)
    try:
        return caller.call(model, request), runtime
    except ModelLoading as error:
        return error, runtime


def test_at_j1_a_cold_model_is_waited_for_as_long_as_it_estimates(caller: Driven) -> None:
    model = Cold([loading(20)])
    answer, runtime = asked(caller, Waiting(model, 120))
    assert runtime.sleeps == [20.0]
    assert answer.text == "雨です。"
    assert [notice.setting for notice in answer.notices] == ["cold_start"]
    assert [type(attempt.error) for attempt in answer.attempts] == [ModelLoading, type(None)]


def test_at_j1_a_warm_model_is_asked_once_and_nothing_is_said_of_it(caller: Driven) -> None:
    model = Cold([])
    answer, runtime = asked(caller, Waiting(model, 120))
    assert answer is ANSWER
    assert (runtime.sleeps, len(model.asked)) == ([], 1)


def test_at_j1_three_requests_are_all_that_a_model_that_stays_cold_gets(caller: Driven) -> None:
    model = Cold([loading(20) for _ in range(9)])
    error, runtime = asked(caller, Waiting(model, 120))
    assert isinstance(error, ModelLoading)
    assert (runtime.sleeps, len(model.asked)) == ([20.0, 20.0], 3)
    assert error.retry_after == 20
    assert not error.retryable, "whoever retries above would multiply the three requests"
    assert len(error.attempts) == 2
    assert "estimates 20 s more" in error.message
    assert "cold_start = 120" in error.message


def test_at_j1_an_estimate_is_never_waited_for_longer_than_the_limit(caller: Driven) -> None:
    model = Cold([loading(300)])
    _, runtime = asked(caller, Waiting(model, 30))
    assert runtime.sleeps == [30.0]


def test_at_j1_no_limit_means_no_wait(caller: Driven) -> None:
    model = Cold([loading(20)])
    error, runtime = asked(caller, Waiting(model, 0))
    assert isinstance(error, ModelLoading)
    assert (runtime.sleeps, len(model.asked)) == ([], 1)
    assert "was not waited for" in error.message


def test_at_j1_a_wait_that_would_outlast_the_call_is_not_begun(caller: Driven) -> None:
    model = Cold([loading(20), loading(20)])
    error, runtime = asked(caller, Waiting(model, 120), TextRequest(messages=ASKED.messages, timeouts=Timeouts(total=30)))
    assert isinstance(error, ModelLoading)
    assert error.retry_after == 20
    assert runtime.sleeps == [20.0], "the second wait would have ended after 40 s of 30"
    assert model.asked[1].timeouts.total == 10.0


def test_at_j1_a_model_that_estimates_nothing_is_asked_again_after_a_third_and_at_the_limit(caller: Driven) -> None:
    model = Cold([loading(None) for _ in range(9)])
    _, runtime = asked(caller, Waiting(model, 120))
    assert runtime.sleeps == [40.0, 80.0]


def test_at_j1_progress_is_told_before_each_wait(caller: Driven) -> None:
    told: list[tuple[float, float | None]] = []
    extra = {"huggingface": {"on_loading": lambda seconds, error: told.append((seconds, error.retry_after)), "kept": 1}}
    model = Cold([loading(20), loading(5)])
    asked(caller, Waiting(model, 120), TextRequest(messages=ASKED.messages, extra=extra))
    assert told == [(20.0, 20.0), (5.0, 5.0)]
    assert model.asked[0].extra == {"huggingface": {"kept": 1}}, "a function has no place in a body"


def test_what_is_to_be_told_has_to_be_a_function(runtime: Driven) -> None:
    request = TextRequest(messages=ASKED.messages, extra={"huggingface": {"on_loading": "print"}})
    with pytest.raises(InvalidRequest, match="on_loading"):
        runtime.call(Waiting(Cold([]), 1), request)


def test_a_stream_waits_before_its_first_event(caller: Driven) -> None:
    events = caller.stream(Waiting(Cold([loading(20)]), 120), ASKED)
    assert caller.runtime.now() == 20.0
    assert events[0] == TextDelta("雨です。")
    assert [notice.setting for notice in events[-1].response.notices] == ["cold_start"]


@dataclass
class Fickle(Cold):
    """A model that says after its first word that it is not ready."""

    async def stream(self, request: TextRequest, runtime: Runtime) -> AsyncGenerator[Any, None]:
        self.asked.append(request)
        yield TextDelta("雨")
        raise loading(20)


def test_a_stream_that_has_begun_is_never_begun_again(caller: Driven) -> None:
    model = Fickle([])
    with pytest.raises(ModelLoading):
        caller.stream(Waiting(model, 120), ASKED)
    assert (caller.runtime.now(), len(model.asked)) == (0.0, 1)
