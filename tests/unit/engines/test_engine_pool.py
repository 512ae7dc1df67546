"""Engines are loaded once, shared, counted, and unloaded: shown with one that only counts."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from modelhub.engines import EnginePool, Plan
from modelhub.errors import NotEnoughMemory, RateLimited, SetupError, TimedOut
from modelhub.model import Timeouts
from modelhub.transport.asynchronous import AsyncRuntime
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import drive

GIB = 1 << 30
PATIENCE = 20.0


@dataclass(eq=False)
class Engine:
    """Knows what was done to it."""

    name: str
    closed: int = 0
    forgotten: int = 0
    closed_in: str = ""

    def close(self) -> None:
        self.closed += 1
        self.closed_in = threading.current_thread().name

    def forget(self) -> None:
        self.forgotten += 1


@dataclass
class Factory:
    """Makes plans, and keeps the engines that they made."""

    made: list[Engine] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def plan(self, name: str = "a", **terms: Any) -> Plan[Engine]:
        def load() -> Engine:
            assert self.gate.wait(PATIENCE)
            if self.errors:
                raise self.errors.pop(0)
            self.made.append(Engine(name))
            return self.made[-1]

        return Plan(key=name, name=f"local:{name}", load=load, **{"places": 64, **terms})


@pytest.fixture
def factory() -> Factory:
    return Factory()


@pytest.fixture
def pool() -> Iterator[EnginePool]:
    made = EnginePool(lambda: None)
    yield made
    made.close()


async def used(pool: EnginePool, plan: Plan[Engine], runtime: Any, timeouts: Timeouts = Timeouts()) -> Engine:  # noqa: B008
    async with pool.lease(plan, runtime, timeouts) as engine:
        return engine


def use(pool: EnginePool, plan: Plan[Engine], manner: str, timeouts: Timeouts = Timeouts()) -> Engine:  # noqa: B008
    if manner == "blocking":
        return drive(used(pool, plan, BlockingRuntime(), timeouts))
    return asyncio.run(used(pool, plan, AsyncRuntime(), timeouts))


@contextmanager
def held(pool: EnginePool, plan: Plan[Engine]) -> Iterator[Engine]:
    """A lease that is kept while the block runs."""
    lease = pool.lease(plan, BlockingRuntime())
    engine = drive(lease.__aenter__())
    try:
        yield engine
    finally:
        drive(lease.__aexit__(None, None, None))


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "It did not come to pass."
        time.sleep(0.005)


def users(pool: EnginePool) -> int:
    """How many use an engine, or wait for one."""
    return sum(entry.users for entry in list(pool._entries.values()))


def janitors() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "modelhub-janitor"]


manners = pytest.mark.parametrize("manner", ["blocking", "asynchronous"])


@manners
def test_what_is_asked_for_twice_is_loaded_once(manner: str, pool: EnginePool, factory: Factory) -> None:
    assert use(pool, factory.plan(), manner) is use(pool, factory.plan(), manner)
    assert len(factory.made) == 1


def test_threads_and_tasks_that_ask_at_the_same_moment_share_one_load(pool: EnginePool, factory: Factory) -> None:
    """AT-K: 32 threads and 32 tasks on one model; it is loaded once."""
    factory.gate.clear()
    got: list[Engine] = []

    async def tasks() -> None:
        runtime = AsyncRuntime()
        got.extend(await asyncio.gather(*(used(pool, factory.plan(), runtime) for _ in range(32))))

    threads = [threading.Thread(target=lambda: got.append(use(pool, factory.plan(), "blocking"))) for _ in range(32)]
    threads.append(threading.Thread(target=lambda: asyncio.run(tasks())))
    for thread in threads:
        thread.start()
    eventually(lambda: users(pool) == 64)
    factory.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert got == factory.made * 64


def test_a_failed_load_is_told_to_each_of_those_who_wait(pool: EnginePool, factory: Factory) -> None:
    factory.gate.clear()
    factory.errors.append(SetupError("ファイルが壊れています"))
    told: list[SetupError] = []

    def ask() -> None:
        with pytest.raises(SetupError, match="壊れて") as caught:
            use(pool, factory.plan(), "blocking")
        told.append(caught.value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: users(pool) == 8)
    factory.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len({id(error) for error in told}) == 8, "Each has an exception of its own, for its own traceback."


@manners
def test_the_call_after_a_failed_load_tries_again(manner: str, pool: EnginePool, factory: Factory) -> None:
    factory.errors.append(SetupError("broken"))
    with pytest.raises(SetupError, match="broken"):
        use(pool, factory.plan(), manner)
    assert use(pool, factory.plan(), manner) in factory.made


def test_an_error_that_cannot_be_copied_is_told_all_the_same(pool: EnginePool, factory: Factory) -> None:
    class Strange(Exception):
        def __reduce__(self) -> Any:
            raise TypeError("not me")

    factory.errors.append(Strange("odd"))
    with pytest.raises(Strange, match="odd"):
        use(pool, factory.plan(), "blocking")


def test_a_cancelled_caller_leaves_the_load_to_the_others(pool: EnginePool, factory: Factory) -> None:
    factory.gate.clear()

    async def scene() -> Engine:
        runtime = AsyncRuntime()
        first = asyncio.create_task(used(pool, factory.plan(), runtime))
        second = asyncio.create_task(used(pool, factory.plan(), runtime))
        await asyncio.sleep(0.02)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        factory.gate.set()
        return await second

    assert asyncio.run(scene()) in factory.made
    assert use(pool, factory.plan(), "blocking") is factory.made[0]


def test_a_load_that_nobody_waits_for_any_more_is_there_for_the_next(pool: EnginePool, factory: Factory) -> None:
    factory.gate.clear()
    with pytest.raises(TimedOut):
        use(pool, factory.plan(), "blocking", Timeouts(total=0.05))
    factory.gate.set()
    assert use(pool, factory.plan(), "blocking") in factory.made
    assert len(factory.made) == 1


@manners
@pytest.mark.parametrize("phase", ["first_token", "total"])
def test_a_time_out_holds_while_it_loads(manner: str, phase: str, pool: EnginePool, factory: Factory) -> None:
    """AT-C7: a stall before the request is even sent."""
    factory.gate.clear()
    started = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        use(pool, factory.plan(), manner, Timeouts(**{"first_token": 30.0, "total": 30.0, phase: 0.2}))
    assert 0.2 <= time.monotonic() - started < 5
    assert (caught.value.phase, caught.value.retryable) == (phase, True)
    factory.gate.set()


@manners
def test_one_more_than_there_are_places_is_refused(manner: str, pool: EnginePool, factory: Factory) -> None:
    """AT-K: queue limit -> typed 429-like error."""
    plan = factory.plan(places=2, more_places="Raise `queue`.")
    with held(pool, plan), held(pool, plan):
        with pytest.raises(RateLimited, match=r"local:a has 2 requests already.*Raise `queue`") as caught:
            use(pool, plan, manner)
        assert (caught.value.status, caught.value.provider, caught.value.model) == (429, "local", "a")
        assert caught.value.retryable
    assert use(pool, plan, manner) in factory.made


def test_a_single_place_is_told_as_one(pool: EnginePool, factory: Factory) -> None:
    plan = factory.plan(places=1)
    with held(pool, plan), pytest.raises(RateLimited, match=r"^local:a has 1 request already, as many as it takes at once\. "):
        use(pool, plan, "blocking")


def test_a_limit_that_is_too_small_by_itself_is_told_once() -> None:
    pool = EnginePool(lambda: None)
    with pytest.raises(NotEnoughMemory, match=r"needs 3\.0 GiB of memory; available: 1\.0 GiB \(memory_limit\)\.$"):
        use(pool, Factory().plan(memory=3 * GIB, memory_limit=GIB), "blocking")


def test_a_place_is_given_back_by_whoever_fails(pool: EnginePool, factory: Factory) -> None:
    plan = factory.plan(places=1)

    async def fail() -> None:
        async with pool.lease(plan, BlockingRuntime()):
            raise ValueError("mine")

    for _ in range(3):
        with pytest.raises(ValueError, match="mine"):
            drive(fail())


def test_it_is_unloaded_when_nobody_has_used_it_for_a_while(pool: EnginePool, factory: Factory) -> None:
    engine = use(pool, factory.plan(keep_alive=0.1), "blocking")
    assert not engine.closed
    eventually(lambda: engine.closed == 1)
    assert engine.closed_in == "modelhub-janitor", "Never the caller's own thread, which may run an event loop."
    assert pool.names() == ()
    assert use(pool, factory.plan(keep_alive=0.1), "blocking") is not engine


def test_it_is_never_unloaded_while_somebody_uses_it(pool: EnginePool, factory: Factory) -> None:
    with held(pool, factory.plan(keep_alive=0.0)) as engine:
        time.sleep(0.2)
        assert not engine.closed
    eventually(lambda: engine.closed == 1)


def test_what_is_kept_for_ever_needs_no_janitor(pool: EnginePool, factory: Factory) -> None:
    eventually(lambda: not janitors())
    use(pool, factory.plan(keep_alive=None), "blocking")
    assert not janitors()


def test_the_janitor_lives_only_while_something_may_be_unloaded(pool: EnginePool, factory: Factory) -> None:
    eventually(lambda: not janitors())
    use(pool, factory.plan(keep_alive=0.2), "blocking")
    assert len(janitors()) == 1
    eventually(lambda: not janitors())
    assert factory.made[0].closed == 1


def test_a_shorter_time_wakes_a_janitor_that_sleeps_for_a_longer_one(pool: EnginePool, factory: Factory) -> None:
    long = use(pool, factory.plan("long", keep_alive=100), "blocking")
    time.sleep(0.05)
    short = use(pool, factory.plan("short", keep_alive=0.05), "blocking")
    eventually(lambda: short.closed == 1)
    assert not long.closed


def test_a_load_whose_callers_have_all_left_is_unloaded_too(pool: EnginePool, factory: Factory) -> None:
    factory.gate.clear()
    with pytest.raises(TimedOut):
        use(pool, factory.plan(keep_alive=0.05), "blocking", Timeouts(total=0.05))
    factory.gate.set()
    eventually(lambda: bool(factory.made) and factory.made[0].closed == 1)


def test_room_is_made_by_whoever_was_used_longest_ago(factory: Factory) -> None:
    pool = EnginePool(lambda: 10 * GIB)
    terms = {"memory": 3 * GIB, "memory_limit": 8 * GIB}
    first, second = (use(pool, factory.plan(name, **terms), "blocking") for name in ("a", "b"))
    use(pool, factory.plan("a", **terms), "blocking")
    third = use(pool, factory.plan("c", **terms), "blocking")
    assert (first.closed, second.closed, third.closed) == (0, 1, 0)
    assert pool.names() == ("local:a", "local:c")
    pool.close()


def test_no_more_are_loaded_than_may_be(factory: Factory) -> None:
    pool = EnginePool(lambda: None)
    for name in "abc":
        use(pool, factory.plan(name, max_loaded=2), "blocking")
    assert [engine.closed for engine in factory.made] == [1, 0, 0]
    pool.close()


@manners
def test_what_does_not_fit_says_what_it_needs_and_what_to_do(manner: str, factory: Factory) -> None:
    pool = EnginePool(lambda: 2 * GIB)
    with pytest.raises(NotEnoughMemory, match=r"^local:a needs 3\.0 GiB of memory; available: 2\.0 GiB\. Less!$") as caught:
        use(pool, factory.plan(memory=3 * GIB, less_memory="Less!"), manner)
    assert (caught.value.needed, caught.value.available, caught.value.limit) == (3 * GIB, 2 * GIB, None)
    assert not caught.value.retryable
    assert not factory.made


def test_what_would_fit_if_others_were_idle_may_be_asked_again(factory: Factory) -> None:
    pool = EnginePool(lambda: None)
    terms = {"memory": 3 * GIB, "memory_limit": 4 * GIB}
    with held(pool, factory.plan("b", **terms)) as busy:
        with pytest.raises(
            NotEnoughMemory, match=r"available: 1\.0 GiB of 4\.0 GiB \(memory_limit\), while local:b is in use\."
        ) as caught:
            use(pool, factory.plan("a", **terms), "blocking")
        assert caught.value.retryable
        assert [busy.closed] == [0]
    assert use(pool, factory.plan("a", **terms), "blocking").name == "a"
    assert busy.closed == 1
    pool.close()


def test_what_is_in_use_is_not_unloaded_for_another_one(factory: Factory) -> None:
    pool = EnginePool(lambda: None)
    with (
        held(pool, factory.plan("a", max_loaded=1)),
        pytest.raises(RateLimited, match="max_loaded is 1, and local:a is in use"),
    ):
        use(pool, factory.plan("b", max_loaded=1), "blocking")
    pool.close()


def test_unknown_memory_is_no_reason_to_refuse(pool: EnginePool, factory: Factory) -> None:
    assert use(pool, factory.plan(memory=1 << 60), "blocking") in factory.made


def test_the_options_of_the_last_user_hold(pool: EnginePool, factory: Factory) -> None:
    use(pool, factory.plan(keep_alive=None), "blocking")
    engine = use(pool, factory.plan(keep_alive=0.05), "blocking")
    eventually(lambda: engine.closed == 1)


def test_closing_ends_what_is_loaded_and_the_pool_goes_on(pool: EnginePool, factory: Factory) -> None:
    engine = use(pool, factory.plan(), "blocking")
    pool.close()
    pool.close()
    assert engine.closed == 1
    assert use(pool, factory.plan(), "blocking") is not engine


def test_who_closes_sees_the_end_of_what_is_unloaded(pool: EnginePool) -> None:
    """No thread in the background keeps it: at the program's end one would be stopped amid freeing it, and abort all."""
    ended: list[str] = []

    def load() -> Engine:
        engine = Engine("a")
        weakref.finalize(engine, lambda: ended.append(threading.current_thread().name))
        return engine

    for _ in range(20):
        use(pool, Plan(key="a", name="local:a", load=load, places=1, keep_alive=60), "blocking")
        time.sleep(0.002)  # the janitor counts the seconds
        pool.close()
        assert ended == ["MainThread"]
        ended.clear()


def test_closing_waits_for_what_is_being_loaded(pool: EnginePool, factory: Factory) -> None:
    factory.gate.clear()
    with pytest.raises(TimedOut):
        use(pool, factory.plan(), "blocking", Timeouts(total=0.05))
    threading.Timer(0.05, factory.gate.set).start()
    pool.close()
    assert factory.made[0].closed == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system does not fork.")
def test_a_forked_child_forgets_and_loads_its_own(factory: Factory) -> None:
    """AT-F1: create in the parent, use in a forked child and in the parent."""
    pool = EnginePool(lambda: None)
    parents = use(pool, factory.plan(), "blocking")
    pool.forget()  # what the hook calls in the child
    assert (parents.forgotten, parents.closed) == (1, 0)
    assert use(pool, factory.plan(), "blocking") is not parents
    pool.close()
    assert parents.closed == 0


def test_many_threads_come_and_go_while_it_is_unloaded_again_and_again(factory: Factory) -> None:
    pool = EnginePool(lambda: None)
    plan = factory.plan(keep_alive=0.0)
    closed_under: list[Engine] = []

    def work() -> None:
        for _ in range(40):
            with held(pool, plan) as engine:
                if engine.closed:
                    closed_under.append(engine)

    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    finally:
        sys.setswitchinterval(0.005)
    assert not closed_under
    eventually(lambda: all(engine.closed == 1 for engine in factory.made))
