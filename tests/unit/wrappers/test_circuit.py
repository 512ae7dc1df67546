"""A circuit opens after failures in a row, and lets one call through after each cool-down."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from modelhub.clients.text import text_request
from modelhub.errors import BadRequest, KeyRefused, ModelhubError, ProviderDown, StreamBroken, Unsupported
from modelhub.interfaces.content import TextPart
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.text import TextResponse
from modelhub.model import Finished, ModelCard, Runtime
from modelhub.testing.driven import MANNERS, driven
from modelhub.testing.fake import FakeRuntime
from modelhub.wrappers.circuit import Circuit, Watched
from modelhub.wrappers.fallback import Fallback, Target

QUESTION = text_request("東京の天気は？", None, {})


class Saying:
    """Streams the words, then raises the error, or ends well."""

    def __init__(self, words: str, error: ModelhubError | None = None) -> None:
        self.card = ModelCard(model=f"x:{words or 'nothing'}", kind="text")
        self.words = words
        self.error = error
        self.calls = 0

    async def call(self, request: Any, runtime: Runtime) -> Any:
        *_, last = [event async for event in self.stream(request, runtime)]
        return last.response

    async def stream(self, request: Any, runtime: Runtime) -> AsyncGenerator[Any, None]:
        self.calls += 1
        for word in self.words:
            yield TextDelta(word)
        if self.error is not None:
            raise self.error
        yield Finished(TextResponse[Any](content=(TextPart(self.words),), finish_reason="stop"))


def test_it_opens_after_failures_in_a_row_and_a_probe_closes_it() -> None:
    circuit = Circuit(failures=2, cool_down=10.0)
    circuit.failed(0.0)
    circuit.answered()
    circuit.failed(1.0)
    assert (circuit.admits(1.0), circuit.is_open) == (True, False)
    circuit.failed(2.0)
    assert (circuit.admits(11.9), circuit.is_open, circuit.left(11.0)) == (False, True, 1.0)
    assert (circuit.admits(12.0), circuit.admits(12.0)) == (True, False), "one call probes it"
    circuit.failed(13.0)
    assert (circuit.admits(22.9), circuit.admits(23.0)) == (False, True)
    circuit.answered()
    assert (circuit.admits(23.0), circuit.left(23.0)) == (True, 0.0)


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another() -> None:
    """It may have been cancelled."""
    circuit = Circuit(failures=1, cool_down=10.0)
    circuit.failed(0.0)
    assert [circuit.admits(moment) for moment in (10.0, 15.0, 20.0)] == [True, False, True]


def test_of_many_threads_one_probes() -> None:
    """AT-D5: an outage costs one request a cool-down, however many ask."""
    circuit = Circuit(failures=1, cool_down=10.0)
    for round_number in range(1, 30):
        circuit.failed(0.0)
        ready, admitted = threading.Barrier(8), list[bool]()

        def ask(ready: threading.Barrier = ready, admitted: list[bool] = admitted) -> None:
            ready.wait()
            admitted.append(circuit.admits(10.0))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(admitted) == 1, round_number


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_is_not_kept_by_a_lock_that_a_thread_held() -> None:
    circuit = Circuit()
    assert circuit._lock.acquire()
    circuit.unlock()
    assert circuit.admits(0.0)


@pytest.mark.parametrize(
    ("model", "failures"),
    [
        (Saying("晴れ"), 0),
        (Saying("", ProviderDown("x")), 1),
        (Saying("", KeyRefused("x")), 1),
        (Saying("晴", StreamBroken("x")), 1),
        (Saying("", BadRequest("x")), 0),
        (Saying("", Unsupported("x")), 0),
    ],
    ids=lambda value: type(value.error).__name__ if isinstance(value, Saying) else None,
)
@pytest.mark.parametrize("manner", MANNERS)
def test_what_counts_as_a_failure(model: Saying, failures: int, manner: Any) -> None:
    """What a model was asked, and should not have been, is none; a stream counts by its end."""
    circuit = Circuit(failures=1)
    with driven(manner, FakeRuntime()) as caller:
        for ask in (caller.call, caller.stream):
            circuit.answered()
            try:
                ask(Watched(model, circuit), QUESTION)
            except ModelhubError:
                assert model.error is not None
            assert circuit.is_open is bool(failures)


class Closed(FakeRuntime):
    """A runtime whose stream another thread has closed: whoever sleeps is told."""

    async def sleep(self, seconds: float) -> None:
        raise StreamBroken("The stream was closed before it began.")


def test_who_was_closed_meanwhile_asks_nobody_else() -> None:
    """AT-D4: nothing more is sent."""
    second = Saying("雨")
    first, other = (Target(model, Circuit()) for model in (Saying("", ProviderDown("x")), second))
    with driven("blocking", Closed()) as caller, pytest.raises(StreamBroken, match="closed"):
        caller.stream(Fallback(first.model, first, (other,)), QUESTION)
    assert second.calls == 0


@pytest.mark.parametrize("manner", MANNERS)
def test_an_outage_of_a_minute_costs_few_attempts(manner: Any) -> None:
    """AT-D5: a call a second for sixty seconds: k, and one probe in each cool-down."""
    runtime, down, up = FakeRuntime(), Saying("", ProviderDown("x")), Saying("晴れ")
    first, other = Target(Watched(down, circuit := Circuit()), circuit), Target(up, Circuit())
    fallback = Fallback(first.model, first, (other,))
    with driven(manner, runtime) as caller:
        for _ in range(60):
            assert caller.call(fallback, QUESTION).text == "晴れ"
            runtime.clock += 1.0
        assert down.calls == 3 + 1
        down.error = None
        runtime.clock += 30.0
        assert caller.call(fallback, QUESTION).attempts == ()
        assert not circuit.is_open
