"""Fallback: where one model cannot answer, the next is asked. Which errors lead on is a table: docs/how-to/fallback.md."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Generic, NamedTuple, TypeVar

from modelhub.errors import ContextOverflow, ModelhubError, TimedOut, Unsupported
from modelhub.model import AnyModel, Attempt, Finished, ModelCard, Notice, Request, Response, Runtime, Timeouts, Wrapper
from modelhub.wrappers.attempts import after, failed
from modelhub.wrappers.circuit import OUTAGES, Circuit

__all__ = ["Absent", "Fallback", "Target"]

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)
EventT = TypeVar("EventT")

_BEYOND_THIS_ONE = (Unsupported, ContextOverflow)
"""What a model that was not asked for by name may lack: the next is asked, as if this one were not there."""


class Target(NamedTuple):
    """One of the models that may answer, with what it is asked where a call says nothing.

    ``own_timeouts`` tells whether its alias has some; else it is asked with those of the alias it stands in for.
    """

    model: AnyModel
    circuit: Circuit
    settings: Mapping[str, Any] = {}
    timeouts: Timeouts | None = None
    own_timeouts: bool = False


@dataclass(frozen=True, eq=False)
class Fallback(Wrapper[RequestT, ResponseT, EventT]):
    """Asks ``inner``, then ``others`` in their order, until one answers; a stream only before its first event.

    What leads on to the next is an outage, and whatever ``listed`` names. ``first`` is what belongs to ``inner``: a setting of
    its alias gives way to the next one's own, one that the call gave does not. ``timeouts.total`` holds for all together: one
    that hangs gets its share of what is left, so that those behind it have time to answer.
    """

    first: Target
    others: tuple[Target, ...]
    listed: tuple[type[ModelhubError], ...] = ()

    async def call(self, request: RequestT, runtime: Runtime) -> ResponseT:
        relay = _Relay(self, request, runtime)
        return relay.signed(await relay.run(lambda model, request: model.call(request, runtime)))

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[EventT, None]:
        relay = _Relay(self, request, runtime, streamed=True)
        event, events = await relay.run(lambda model, request: _begun(model.stream(request, runtime)))
        async with aclosing(events):
            try:
                if event is not None:
                    yield relay.finished(event)
                async for event in events:
                    yield relay.finished(event)
            except ModelhubError as error:
                raise after(relay.failed, error)  # noqa: B904  # the same error, telling more


async def _begun(events: AsyncGenerator[EventT, None]) -> tuple[EventT | None, AsyncGenerator[EventT, None]]:
    """A stream's first event, and the others."""
    return await anext(events, None), events


class _Relay(Generic[RequestT, ResponseT, EventT]):
    """One call on its way from model to model."""

    def __init__(
        self, fallback: Fallback[RequestT, ResponseT, EventT], request: RequestT, runtime: Runtime, *, streamed: bool = False
    ) -> None:
        self.failed: list[Attempt] = []
        self._fallback = fallback
        self._request = request
        self._runtime = runtime
        self._streamed = streamed
        self._started = runtime.now()
        self._passed_over: list[Notice] = []

    async def run(self, ask: Callable[[AnyModel, RequestT], Awaitable[T]]) -> T:
        """What the first model that answers gives. Raises the last error, which tells of those before it."""
        for target in self._turns():
            if self.failed:
                await self._runtime.sleep(0)  # here a call ends that was cancelled, or whose stream was closed
            try:
                return await ask(target.model, self._for(target))
            except ModelhubError as raised:
                self._tell_of_share(raised)
                if not self._leads_on(raised, target):
                    raise after(self.failed, raised)  # noqa: B904  # the same error, telling more
                self.failed += failed(target.model.card.model, raised)
        last: Any = self.failed.pop()  # at least one was asked, and each that was asked failed
        raise after(self.failed, last.error)

    def _turns(self) -> Iterator[Target]:
        """Whom to ask, in order. Where every circuit is open, the one whose cool-down ends first: better than to ask nobody."""
        targets, asked = (self._fallback.first, *self._fallback.others), False
        for target in targets:
            now = self._runtime.now()
            if target.circuit.admits(now):
                asked = True
                yield target
            else:
                self._pass_over(target, now)
        if not asked:
            self._passed_over.clear()
            yield min(targets, key=lambda target: target.circuit.left(self._runtime.now()))

    def _pass_over(self, target: Target, now: float) -> None:
        count, wait = target.circuit.failures, target.circuit.left(now)
        message = (
            f"{target.model.card.model} was not asked: it failed {count} times in a row. It is tried again in {wait:.0f} s."
        )
        self._passed_over.append(Notice("fallback", message))

    def _leads_on(self, error: ModelhubError, target: Target) -> bool:
        if target is not self._fallback.first and isinstance(error, _BEYOND_THIS_ONE):
            return self._left() > 0
        return isinstance(error, (*OUTAGES, *self._fallback.listed)) and self._left() > 0

    def _left(self) -> float:
        total = self._request.timeouts.total
        return inf if total is None else total - (self._runtime.now() - self._started)

    def _for(self, target: Target) -> RequestT:
        """The request as this model is asked: with the time that is left and, where the call gave none, its own settings."""
        first, behind, request, timeouts = self._fallback.first, self._behind(target), self._request, self._request.timeouts
        if target is first and not behind:
            return request
        left = self._left() if self.failed else _least(inf, timeouts.total)
        if target is not first:
            request = _with_settings(request, first.settings, target.settings)
            if target.own_timeouts and target.timeouts is not None and timeouts == first.timeouts:
                timeouts = target.timeouts
        total = max(_least(left, timeouts.total), 0.001)
        share = max(_least(left / (1 + behind), timeouts.total), 0.001)
        if self._streamed:  # one that has begun has all the time that is left
            return _timed(request, timeouts, total, _least(share, timeouts.first_token))
        return _timed(request, timeouts, share, timeouts.first_token)

    def _behind(self, target: Target) -> int:
        """How many may be asked after this one."""
        now, others = self._runtime.now(), self._fallback.others
        after_it = others if target is self._fallback.first else others[others.index(target) + 1 :]
        return sum(not other.circuit.left(now) for other in after_it)

    def _tell_of_share(self, error: ModelhubError) -> None:
        total = self._request.timeouts.total
        if isinstance(error, TimedOut) and error.phase == "total" and total is not None and error.seconds < total:
            error.args = (f"{error.message} All models that may be asked share {total:g} s.",)

    def signed(self, response: ResponseT) -> ResponseT:
        """The response, telling of the attempts before it and of those who were not asked."""
        if not self.failed and not self._passed_over:
            return response
        notices = (*self._passed_over, *response.notices)
        return replace(response, attempts=(*self.failed, *response.attempts), notices=notices)

    def finished(self, event: Any) -> Any:
        """The event, which tells the same if it is the last one."""
        return Finished(self.signed(event.response)) if isinstance(event, Finished) else event


def _least(seconds: float, limit: float | None) -> float:
    return seconds if limit is None else min(seconds, limit)


def _timed(request: RequestT, timeouts: Timeouts, total: float, first_token: float | None) -> RequestT:
    """The request with these time-outs; what is endless is none."""
    ends = {"total": total, "first_token": inf if first_token is None else first_token}
    return replace(request, timeouts=replace(timeouts, **{name: None if at == inf else at for name, at in ends.items()}))


def _with_settings(request: RequestT, asked: Mapping[str, Any], own: Mapping[str, Any]) -> RequestT:
    """The request with a target's ``own`` settings, where it holds what the ``asked`` alias or nobody gave."""
    knobs: Any = getattr(request, "knobs", request)
    defaults = {name: field.default for name, field in knobs.__dataclass_fields__.items()}
    new = {name: value for name, value in own.items() if getattr(knobs, name) == asked.get(name, defaults[name])}
    if not new:
        return request
    changed: Any = replace(knobs, **new)
    return changed if knobs is request else replace(request, knobs=changed)  # type: ignore[call-arg]


@dataclass(frozen=True, eq=False)
class Absent:
    """A model that could not be built, in the place of one: whoever asks it gets the error."""

    card: ModelCard
    error: ModelhubError = field(repr=False)

    async def call(self, request: Request, runtime: Runtime) -> Response:  # noqa: ARG002
        """Raises the error."""
        raise copy(self.error)

    async def stream(self, request: Request, runtime: Runtime) -> AsyncGenerator[Any, None]:  # noqa: ARG002
        """Raises the error."""
        raise copy(self.error)
        yield  # type: ignore[unreachable]  # it makes this a stream
