"""``async def`` code without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from modelhub.transport.drive import drive, iterate


async def twice(number: int) -> int:
    return number * 2


def test_a_coroutine_that_never_waits_is_its_result() -> None:
    async def outer() -> int:
        return await twice(21)

    assert drive(outer()) == 42


def test_waiting_for_something_else_is_refused_at_once() -> None:
    with pytest.raises(RuntimeError, match="await only"):
        drive(_yielding())


async def _yielding() -> None:
    await asyncio.sleep(0)


def test_an_exception_comes_through() -> None:
    async def fails() -> None:
        raise ValueError("わけ")

    with pytest.raises(ValueError, match="わけ"):
        drive(fails())


async def counted(closed: list[bool]) -> AsyncGenerator[int, None]:
    try:
        for number in range(3):
            yield number
    finally:
        closed.append(True)


def test_events_come_one_by_one_and_the_stream_is_closed_at_its_end() -> None:
    closed: list[bool] = []
    assert list(iterate(counted(closed))) == [0, 1, 2]
    assert closed == [True]


def test_a_stream_that_is_left_is_closed() -> None:
    closed: list[bool] = []
    for _number in iterate(counted(closed)):
        break
    assert closed == [True]


def test_it_works_inside_a_running_loop() -> None:
    async def cell() -> list[int]:
        return [drive(twice(1)), *iterate(counted([]))]

    assert asyncio.run(cell()) == [2, 0, 1, 2]
