"""Answers that take more than one exchange: a job is accepted, and asked after until it is done."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, NoReturn

from modelhub.errors import AnswerError, ModelhubError, OutcomeUnknown, TimedOut, Unreachable
from modelhub.http import HttpRequest, HttpResponse
from modelhub.model import Runtime, Timeouts
from modelhub.transport.keys import refused, renewed, with_keys
from modelhub.transport.patience import told_wait
from modelhub.transport.redaction import redacted_response, unspoken
from modelhub.transport.understanding import understood

__all__ = ["FollowUp", "followed"]

_WAIT = 1.0
_LONGEST_WAIT = 10.0


class FollowUp(NamedTuple):
    """The next request of an exchange. It has to be safe to send twice: a ``GET``.

    ``request`` left out is the one before it, again. ``wait`` is the seconds before it is sent; left out, what the answer's
    ``Retry-After`` says, or a second at first and later more.
    """

    request: HttpRequest | None = None
    wait: float | None = None


async def followed(
    endpoint: Any, response: HttpResponse, outgoing: HttpRequest, timeouts: Timeouts, runtime: Runtime, started: float
) -> HttpResponse:
    """The answer itself: what comes when nothing is left to follow. What was submitted is never submitted again.

    Raises ``TimedOut`` at the end of ``total``, whatever the endpoint's ``follow`` makes of an answer, and its ``fault`` where
    asking after the job is refused. None of it is ``retryable``: the job was accepted, and may be paid for.
    """
    follow = getattr(endpoint, "follow", None)
    if follow is None:
        return response
    job = _Job(endpoint, timeouts, runtime, started)
    try:
        while (step := understood(partial(follow, response), outgoing, partial(bytes, response.body))) is not None:
            response, outgoing = await job.asked(step, response)
    except ModelhubError as error:
        error.retryable = False
        raise
    return response


class _Job:
    """One job that is asked after."""

    def __init__(self, endpoint: Any, timeouts: Timeouts, runtime: Runtime, started: float) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._runtime = runtime
        self._started = started
        self._patience = _WAIT
        self._renewed = False
        self._question: HttpRequest | None = None

    async def asked(self, step: FollowUp, response: HttpResponse) -> tuple[HttpResponse, HttpRequest]:
        """What the next request brings, and that request; asked again where it did not come through, or is told to wait."""
        asked = self._question = step.request or self._question
        if asked is None:  # what is left is the request that was submitted
            raise AnswerError(
                "The provider is at work on it, and does not say where its answer will be.", head=response.body[:200]
            )
        wait = self._wait(response) if step.wait is None else step.wait
        while True:
            await self._runtime.sleep(min(wait, self._left()))
            outgoing, within = await with_keys(asked, self._runtime, self._within(), self._runtime.now())
            try:
                response = await self._runtime.send(outgoing, within)
            except (Unreachable, OutcomeUnknown, TimedOut):  # to ask after a job twice does no harm; `_left` ends it
                wait = self._patient()
                continue
            if 200 <= response.status < 300:
                return response, asked
            wait = self._wait(response)
            if response.status not in (408, 429) and response.status < 500 and not self._again(response, outgoing):
                self._fail(response, outgoing)

    def _wait(self, response: HttpResponse) -> float:
        return told_wait(response.headers) or self._patient()

    def _patient(self) -> float:
        """Seconds until a job is asked after that nobody has given a time for: each time longer."""
        patience, self._patience = self._patience, min(self._patience * 1.5, _LONGEST_WAIT)
        return patience

    def _again(self, response: HttpResponse, outgoing: HttpRequest) -> bool:
        """Whether the same question may be asked with a renewed token, once in a job."""
        if self._renewed or not renewed(self._fault(response, outgoing), outgoing):
            return False
        self._renewed = True
        return True

    def _fail(self, response: HttpResponse, outgoing: HttpRequest) -> NoReturn:
        raise unspoken(self._fault(response, outgoing), outgoing)

    def _fault(self, response: HttpResponse, outgoing: HttpRequest) -> ModelhubError:
        redacted = redacted_response(response, outgoing)
        error: ModelhubError = understood(partial(self._endpoint.fault, redacted), outgoing, partial(bytes, redacted.body))
        refused(error, outgoing)
        return error

    def _within(self) -> Timeouts:
        return self._timeouts if self._timeouts.total is None else replace(self._timeouts, total=self._left())

    def _left(self) -> float:
        if self._timeouts.total is None:
            return float("inf")
        left = self._timeouts.total - (self._runtime.now() - self._started)
        if left <= 0:
            message = f"The provider was still at work after {self._timeouts.total:g} s (the time-out `total`)."
            raise TimedOut(message, phase="total", seconds=self._timeouts.total)
        return left
