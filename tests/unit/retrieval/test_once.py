from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest

from modelhub.retrieval.once import Turn
from modelhub.testing.fake import FakeRuntime
from modelhub.transport.drive import drive


class Waiting(FakeRuntime):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Blocking(FakeRuntime):
    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251  # a blocking runtime does


def test_tasks_take_turns() -> None:
    turn, inside, most = Turn(), [0], [0]

    async def one() -> None:
        async with turn.taken(Waiting()):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            await asyncio.sleep(0.002)
            inside[0] -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(8)))

    asyncio.run(all_of_them())
    assert most == [1]


def test_threads_and_tasks_take_turns_with_each_other() -> None:
    turn, order = Turn(), []

    async def hold() -> None:
        async with turn.taken(Blocking()):
            order.append("thread in")
            await Blocking().sleep(0.05)
            order.append("thread out")

    async def follow() -> None:
        async with turn.taken(Waiting()):
            order.append("task")

    thread = threading.Thread(target=lambda: drive(hold()))
    thread.start()
    while not order:
        time.sleep(0.001)
    asyncio.run(follow())
    thread.join()
    assert order == ["thread in", "thread out", "task"]


def test_a_cancelled_one_leaves_its_turn_and_a_cancelled_waiter_takes_none() -> None:
    turn = Turn()

    async def main() -> None:
        async def hold() -> None:
            async with turn.taken(Waiting()):
                await asyncio.sleep(60)

        holder, waiter = asyncio.create_task(hold()), asyncio.create_task(hold())
        await asyncio.sleep(0.02)
        for task in (waiter, holder):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with turn.taken(Waiting()):
            pass

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_does_not_wait_for_its_parents_turn() -> None:
    """AT-F1: after fork."""
    turn = Turn()

    async def fork_inside() -> int:
        async with turn.taken(Blocking()):
            if (child := os.fork()) == 0:
                async with turn.taken(Blocking()):
                    os._exit(7)
            return child

    _, status = os.waitpid(drive(fork_inside()), 0)
    assert os.waitstatus_to_exitcode(status) == 7
