"""Answers that take more than one exchange: a job is accepted, and asked after until it is done."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from modelhub.errors import OutcomeUnknown, TimedOut, Unreachable
from modelhub.http import HttpRequest, HttpResponse
from modelhub.model import Runtime, Timeouts
from modelhub.transport.keys import with_keys
from modelhub.transport.patience import told_wait
from modelhub.transport.understanding import understood

__all__ = ["FollowUp", "followed"]


class FollowUp(NamedTuple):
    """The next request of an exchange, ``wait`` seconds from now. It has to be safe to send twice: a ``GET``."""

    request: HttpRequest
    wait: float = 0.0


async def followed(
    endpoint: object, response: HttpResponse, outgoing: HttpRequest, timeouts: Timeouts, runtime: Runtime, started: float
) -> HttpResponse:
    """The answer itself: what comes when nothing is left to follow. What was submitted is never submitted again.

    Raises ``TimedOut`` at the end of ``total``, and whatever the endpoint's ``follow`` makes of an answer.
    """
    follow = getattr(endpoint, "follow", None)
    if follow is None:
        return response
    while (step := understood(partial(follow, response), outgoing, partial(bytes, response.body))) is not None:
        response = await _asked(step, timeouts, runtime, started)
    return response


async def _asked(step: FollowUp, timeouts: Timeouts, runtime: Runtime, started: float) -> HttpResponse:
    """What the next request brings; asked again where it could not be reached, or says that this will pass."""
    wait = step.wait
    while True:
        left = _left(timeouts, runtime, started)
        await runtime.sleep(wait if left is None else min(wait, left))
        outgoing, within = await with_keys(step.request, runtime, _rest(timeouts, runtime, started), runtime.now())
        wait = max(step.wait, 1.0)
        try:
            response = await runtime.send(outgoing, within)
        except (Unreachable, OutcomeUnknown):  # to ask after a job twice does no harm
            continue
        if response.status != 429 and response.status < 500:
            return response
        wait = told_wait(response.headers) or wait


def _rest(timeouts: Timeouts, runtime: Runtime, started: float) -> Timeouts:
    from dataclasses import replace

    left = _left(timeouts, runtime, started)
    return timeouts if left is None else replace(timeouts, total=left)


def _left(timeouts: Timeouts, runtime: Runtime, started: float) -> float | None:
    if timeouts.total is None:
        return None
    left = timeouts.total - (runtime.now() - started)
    if left <= 0:
        message = f"The provider was still at work after {timeouts.total:g} s (the time-out `total`)."
        raise TimedOut(message, phase="total", seconds=timeouts.total)
    return left
