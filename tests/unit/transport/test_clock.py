"""The four time-outs of one exchange."""

from __future__ import annotations

import pytest

from modelhub.model import Timeouts
from modelhub.transport.clock import Clock

TIMEOUTS = Timeouts(connect=2, first_token=20, idle=5, total=60)


class Hand:
    """A clock's hand, moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def clock(hand: Hand, timeouts: Timeouts = TIMEOUTS, *, streaming: bool) -> Clock:
    return Clock(timeouts, streaming=streaming, now=hand)


def phase(ticking: Clock) -> tuple[str, float]:
    error = ticking.timed_out("http://x")
    return error.phase, error.seconds


def test_connecting_counts_from_its_own_beginning() -> None:
    hand = Hand()
    ticking = clock(hand, streaming=False)
    hand.at += 30
    ticking.connecting()
    hand.at += 0.5
    assert ticking.left_to_connect() == 1.5
    assert phase(ticking) == ("connect", 2)


def test_a_whole_answer_waits_for_headers_under_the_total_and_for_bytes_under_idle() -> None:
    hand = Hand()
    ticking = clock(hand, streaming=False)
    hand.at += 30
    assert ticking.left() == 30
    assert phase(ticking) == ("total", 60)
    ticking.answered()
    assert ticking.left() == 5
    assert phase(ticking) == ("idle", 5)


def test_a_stream_waits_for_its_first_token_and_then_under_idle() -> None:
    hand = Hand()
    ticking = clock(hand, streaming=True)
    hand.at += 15
    ticking.answered()
    assert ticking.left() == 5
    assert phase(ticking) == ("first_token", 20)
    ticking.begun()
    hand.at += 10
    assert ticking.left() == 5
    assert phase(ticking) == ("idle", 5)


def test_the_total_is_never_stretched() -> None:
    hand = Hand()
    ticking = clock(hand, streaming=True)
    ticking.answered()
    ticking.begun()
    hand.at += 58
    assert ticking.left() == 2
    assert phase(ticking) == ("total", 60)
    hand.at += 58
    assert ticking.left() == 0.0


def test_a_first_token_time_out_shorter_than_connect_comes_first() -> None:
    hand = Hand()
    ticking = clock(hand, Timeouts(connect=10, first_token=1, total=None), streaming=True)
    ticking.connecting()
    assert ticking.left_to_connect() == 1
    assert phase(ticking) == ("first_token", 1)


@pytest.mark.parametrize("streaming", [True, False])
def test_none_waits_for_ever(streaming: bool) -> None:
    ticking = clock(Hand(), Timeouts(connect=None, first_token=None, idle=None, total=None), streaming=streaming)
    ticking.connecting()
    assert ticking.left_to_connect() is None
    assert ticking.left() is None
    ticking.answered()
    ticking.begun()
    assert ticking.left() is None


def test_the_message_names_the_time_out_to_change() -> None:
    ticking = clock(Hand(), streaming=False)
    ticking.left()
    assert ticking.timed_out("https://a.example").message == (
        "https://a.example: the answer was not complete within 60 s (the time-out `total`)."
    )


@pytest.mark.parametrize("total", [None, 60.0])
def test_an_answer_that_is_complete_is_given_one_second_to_end(total: float | None) -> None:
    hand = Hand()
    ticking = clock(hand, Timeouts(idle=5, total=total), streaming=True)
    ticking.answered()
    ticking.begun()
    ticking.done()
    assert ticking.left() == 1
    hand.at += 0.75
    assert ticking.left() == 0.25


def test_an_end_is_waited_for_no_longer_than_the_call() -> None:
    hand = Hand()
    ticking = clock(hand, Timeouts(total=10), streaming=True)
    hand.at += 9.5
    ticking.done()
    assert ticking.left() == 0.5
