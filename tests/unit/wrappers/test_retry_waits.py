"""When the next attempt is made: never earlier than told, never beyond the deadline, and not all in the same moment."""

from __future__ import annotations

import heapq
import pickle
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from modelhub.clients.text import text_request
from modelhub.errors import ModelhubError, OutcomeUnknown, RateLimited, StreamBroken, TimedOut, Unreachable
from modelhub.http import HttpResponse
from modelhub.interfaces.content import TextPart
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextResponse
from modelhub.model import Finished, ModelCard, Runtime, Timeouts
from modelhub.testing.driven import MANNERS, driven
from modelhub.testing.fake import FakeRuntime
from modelhub.testing.server import retry_after_forms
from modelhub.transport.drive import drive
from modelhub.transport.faults import fault
from modelhub.wrappers.attempts import pause
from modelhub.wrappers.retry import Retry

ANSWER = TextResponse[Any](content=(TextPart("晴れ"),), finish_reason="stop")
QUESTION = text_request("東京の天気は？", None, {})


@dataclass
class Failing:
    """Raises the errors one after another, each after ``seconds``; then it answers."""

    errors: list[ModelhubError]
    seconds: float = 0.0
    card: ModelCard = ModelCard(model="x:y", kind="text")
    timeouts: list[Timeouts] = field(default_factory=list)

    async def call(self, request: Any, runtime: Runtime) -> Any:
        self.timeouts.append(request.timeouts)
        await runtime.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER

    async def stream(self, request: Any, runtime: Runtime) -> AsyncGenerator[Any, None]:
        response = await self.call(request, runtime)
        yield TextDelta(response.text)
        yield Finished(response)


def limited(after: float | None = None) -> RateLimited:
    return RateLimited("Too many requests.", status=429, retry_after=after)


FORMS = retry_after_forms()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("manner", MANNERS)
def test_the_next_attempt_is_never_earlier_than_told(form: str, manner: Any) -> None:
    """AT-D2: every way in which servers say it; above ``max_wait`` the error is raised at once, with ``retry_after``."""
    headers, told = FORMS[form]
    error = fault(HttpResponse(429, headers))
    runtime, model = FakeRuntime(), Failing([error], card=ModelCard(model="x:y", kind="text"))
    with driven(manner, runtime) as caller:
        if told is not None and told > 60:
            with pytest.raises(RateLimited) as caught:
                caller.call(Retry(model), QUESTION)
            assert caught.value.retry_after == pytest.approx(told)
            assert (runtime.clock, len(model.timeouts)) == (0.0, 1)
            return
        response = caller.call(Retry(model), QUESTION)
    assert len(response.attempts) == 2
    if told:
        assert told <= runtime.clock <= told + min(told, 1.0)
    else:
        assert 0.0 <= runtime.clock <= 1.0


def test_without_a_word_from_the_server_the_wait_is_drawn_from_an_ever_larger_span() -> None:
    """Full jitter: from 0 to 1, 2, 4... seconds, and never above ``max_wait``."""
    for number, most in ((1, 1.0), (2, 2.0), (3, 4.0), (9, 60.0), (5000, 60.0)):
        waits = [pause(Unreachable("x"), number, 60.0) or 0.0 for _ in range(300)]
        assert 0.0 <= min(waits) < 0.2 * most
        assert 0.8 * most < max(waits) <= most


def test_a_provider_that_wants_to_be_left_alone_for_long_is_told_of_at_once() -> None:
    """AT-D2: ``max_wait`` is the setting's own."""
    runtime = FakeRuntime()
    with pytest.raises(RateLimited) as caught:
        drive(Retry(Failing([limited(5.0)]), max_wait=4.0).call(QUESTION, runtime))
    assert (caught.value.retry_after, runtime.sleeps) == (5.0, [0.0])


@pytest.mark.parametrize("told", [None, 0.0, 0.4, 3.0])
def test_the_deadline_holds_for_all_attempts_and_waits_together(told: float | None) -> None:
    """AT-D2: each attempt gets what is left of ``total``; where the wait would outlast it, the error is raised before."""
    total = 10.0
    request = text_request("？", None, {"timeouts": Timeouts(total=total), "retries": 1000})
    runtime, model = FakeRuntime(), Failing([limited(told) for _ in range(1001)], seconds=0.1)
    with pytest.raises(RateLimited):
        drive(Retry(model).call(request, runtime))
    assert runtime.clock <= total + 0.1
    given = [timeouts.total for timeouts in model.timeouts if timeouts.total is not None]
    assert given[0] == total
    assert sorted(given, reverse=True) == given
    assert all(seconds > 0 for seconds in given)
    assert {timeouts.connect for timeouts in model.timeouts} == {10.0}


def test_the_time_out_of_the_last_attempt_is_that_of_the_whole_call() -> None:
    late = TimedOut("The answer was not complete within 2.3 s.", phase="total", seconds=2.3)
    request = text_request("？", None, {"timeouts": Timeouts(total=4)})
    with pytest.raises(TimedOut, match=r"2 attempts took longer than 4 s together") as caught:
        drive(Retry(Failing([limited(1.0), late])).call(request, FakeRuntime()))
    assert (caught.value.seconds, caught.value.retryable) == (4, False)
    assert [type(attempt.error) for attempt in caught.value.attempts] == [RateLimited]


NOT_AGAIN = [
    OutcomeUnknown("x"),
    StreamBroken("x"),
    *(TimedOut("x", phase=phase, seconds=1) for phase in ("first_token", "idle", "total")),
]


@pytest.mark.parametrize("error", NOT_AGAIN, ids=lambda error: getattr(error, "phase", type(error).__name__))
@pytest.mark.parametrize("streaming", [False, True])
def test_what_may_have_been_served_is_not_asked_again(error: ModelhubError, streaming: bool) -> None:
    """AT-D3: never a paid request of unknown outcome twice."""
    assert not error.retryable
    model = Failing([error])
    with driven("blocking", FakeRuntime()) as caller, pytest.raises(type(error)) as caught:
        (caller.stream if streaming else caller.call)(Retry(model, times=5), QUESTION)
    assert caught.value is error
    assert len(model.timeouts) == 1


def test_a_connection_that_was_not_made_in_time_is_tried_again() -> None:
    late = TimedOut("x", phase="connect", seconds=1)
    assert late.retryable
    assert pickle.loads(pickle.dumps(late)).retryable
    assert len(drive(Retry(Failing([late])).call(QUESTION, FakeRuntime())).attempts) == 2


@pytest.mark.parametrize("manner", MANNERS)
def test_a_stream_tells_the_same_as_a_call(manner: Any) -> None:
    with driven(manner, FakeRuntime()) as caller:
        called = caller.call(Retry(Failing([limited(0.5)])), QUESTION)
        *_, last = caller.stream(Retry(Failing([limited(0.5)])), QUESTION)
    assert last.response == called
    assert [str(attempt.error) for attempt in last.response.attempts] == ["Too many requests.", "None"]


def test_an_abandoned_stream_gives_its_connection_back_after_a_retry() -> None:
    closed = list[bool]()

    class Endless(Failing):
        async def stream(self, request: Any, runtime: Runtime) -> AsyncGenerator[Any, None]:
            await self.call(request, runtime)
            try:
                while True:
                    yield TextDelta("あ")
            finally:
                closed.append(True)

    with driven("blocking", FakeRuntime()) as caller:
        assert caller.abandon(Retry(Endless([limited(0.1)])), QUESTION) == TextDelta("あ")
    assert closed == [True]


def test_the_same_error_raised_twice_leads_round_no_circle() -> None:
    """A plugin may keep its errors; what is told of one call must not show in the next."""
    error = limited(0.1)
    retry = Retry(Failing([error] * 6))
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            drive(retry.call(QUESTION, FakeRuntime()))
        assert len(caught.value.attempts) == 2
        again = pickle.loads(pickle.dumps(caught.value))
        assert [str(attempt.error) for attempt in again.attempts] == ["Too many requests."] * 2
    assert error.attempts == ()


def burst(clients: int, told: float | None) -> list[float]:
    """When requests arrive at a server that refuses all, in the order of a clock that all share."""
    arrivals: list[float] = []

    class Refusing(Failing):
        async def call(self, request: Any, runtime: Runtime) -> Any:
            arrivals.append(runtime.now())
            raise limited(told)

    for _ in range(clients):
        with pytest.raises(RateLimited):
            drive(Retry(Refusing([])).call(QUESTION, FakeRuntime()))
    return list(heapq.nsmallest(len(arrivals), arrivals))


@pytest.mark.parametrize("told", [None, 1.0, 5.0])
def test_a_hundred_clients_do_not_come_back_in_the_same_moment(told: float | None) -> None:
    """AT-D1-3 (4): at most 100 × (1 + N) requests, and of those that are repeated no 100 ms have more than 15 %.

    Chance decides when; so many rounds are looked at together that the bound holds by far.
    """
    rounds = 20
    repeated = Counter[int]()
    for _ in range(rounds):
        arrivals = burst(100, told)
        assert len(arrivals) <= 100 * (1 + 2)
        assert arrivals[99] == 0.0
        repeated.update(int(moment * 10) for moment in arrivals[100:])
    assert max(repeated.values()) <= 0.15 * sum(repeated.values())


def test_no_first_call_and_no_error_that_stays_loads_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is imported when an attempt is repeated."""
    monkeypatch.delitem(sys.modules, "tenacity", raising=False)
    drive(Retry(Failing([])).call(QUESTION, FakeRuntime()))
    with pytest.raises(OutcomeUnknown):
        drive(Retry(Failing([OutcomeUnknown("x")])).call(QUESTION, FakeRuntime()))
    with pytest.raises(RateLimited):
        drive(Retry(Failing([limited()]), times=0).call(QUESTION, FakeRuntime()))
    assert "tenacity" not in sys.modules
