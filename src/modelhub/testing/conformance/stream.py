"""The laws of every stream."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from modelhub.errors import Unsupported
from modelhub.testing.conformance.model import ModelConformance
from modelhub.testing.driven import Driven
from modelhub.testing.laws import collect, merge

__all__ = ["OptionalStreamConformance", "StreamConformance", "UnstreamedConformance"]


class StreamConformance(ModelConformance):
    """For a kind whose answers come in pieces."""

    def events(self, runtime: Driven) -> list[Any]:
        """All events of a stream."""
        return runtime.stream(self.model(), self.request())

    def test_a_stream_finishes_once_and_its_pieces_join_to_the_answer(self, runtime: Driven) -> None:
        collect(self.events(runtime))

    def test_a_stream_collects_to_what_call_gives(self, runtime: Driven) -> None:
        streamed = self.comparable(collect(self.events(runtime)))
        called = self.comparable(runtime.call(self.model(), self.request()))
        assert streamed == called, f"stream() makes {streamed!r}, call() gives {called!r}: build both of the same parts."

    def test_a_stream_is_the_same_every_time(self, runtime: Driven) -> None:
        first, second = merge(self.events(runtime)), merge(self.events(runtime))
        assert first[:-1] == second[:-1], "Two streams of one request differ: keep no state between calls."

    def test_an_abandoned_stream_closes(self, runtime: Driven) -> None:
        self.events(runtime)
        before = set(threading.enumerate())
        assert runtime.abandon(self.model(), self.request()) is not None, "The stream gave no event at all."
        left = _left(before)
        assert not left, f"Thread {left[0]!r} of the abandoned stream is still at work: stop it in the generator's finally."


class OptionalStreamConformance(StreamConformance):
    """For a kind that some models answer whole only: these raise ``Unsupported`` when they are asked to stream."""

    def events(self, runtime: Driven) -> list[Any]:
        try:
            return super().events(runtime)
        except Unsupported:
            pytest.skip(f"{self.model_id} answers whole only.")


class UnstreamedConformance(ModelConformance):
    """For a kind whose answers never come in pieces."""

    def test_a_stream_is_refused(self, runtime: Driven) -> None:
        try:
            events = runtime.stream(self.model(), self.request())
        except Unsupported:
            return
        raise AssertionError(f"stream() gave {events!r}: {self.kind} answers come whole, so raise Unsupported.")


def _left(before: set[threading.Thread], seconds: float = 2.0) -> list[str]:
    """The names of threads begun since, after they had some time to end. A pool's threads wait for more work, and may stay."""
    deadline = time.monotonic() + seconds
    while True:
        begun = [thread.name for thread in threading.enumerate() if thread not in before]
        left = [name for name in begun if not name.startswith(("asyncio_", "ThreadPoolExecutor"))]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)
