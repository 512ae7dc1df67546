"""A runtime without sockets: it answers from a script, keeps what was sent, and lets time pass without waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from modelhub.http import Headers, HttpRequest, HttpResponse, shown

if TYPE_CHECKING:
    from concurrent.futures import Future

    from modelhub.model import Timeouts

__all__ = ["Answer", "FakeRuntime", "FakeStream"]

T = TypeVar("T")
Chunks = Sequence[bytes | Exception]
Answer = HttpResponse | Chunks | Exception
"""A whole response; the pieces of a body (an exception among them is raised in its place); or an exception to raise at once."""


@dataclass(slots=True)
class FakeStream:
    """A scripted body. ``closed`` tells whether the model gave it back, ``started`` whether it reported its first event,
    ``ending`` whether it said that it waits for nothing but the end.
    """

    status: int
    headers: Headers
    pieces: list[bytes | Exception]
    closed: bool = False
    started: bool = False
    ending: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        while self.pieces and not self.closed:
            yield _given(self.pieces.pop(0))

    async def read(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return b"".join(_given(piece) for piece in pieces)

    def begun(self) -> None:
        self.started = True

    def done(self) -> None:
        self.ending = True

    async def aclose(self) -> None:
        self.closed = True


@dataclass(slots=True)
class FakeRuntime:
    """A ``Runtime`` for tests: ``FakeRuntime(answers=[HttpResponse(429), HttpResponse(200, body=b"{}")])``.

    ``answers`` are given in the order of the requests; or it is a function from the request to its answer. ``requests``,
    ``timeouts``, ``sleeps`` and ``streams`` keep what the model did. ``sleep`` moves the clock and returns at once; ``gather``
    and ``in_thread`` run in place, one after another. It never suspends, so it serves under ``drive`` and under asyncio.
    """

    answers: Sequence[Answer] | Callable[[HttpRequest], Answer] = ()
    clock: float = 0.0
    requests: list[HttpRequest] = field(default_factory=list)
    timeouts: list[Timeouts] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        answer = self._answer(request, timeouts)
        if isinstance(answer, HttpResponse):
            return answer
        return HttpResponse(200, Headers(), b"".join(_given(piece) for piece in answer))

    async def open(self, request: HttpRequest, timeouts: Timeouts) -> FakeStream:
        answer = self._answer(request, timeouts)
        if isinstance(answer, HttpResponse):
            stream = FakeStream(answer.status, answer.headers, [answer.body])
        else:
            stream = FakeStream(200, Headers(), [*answer])
        self.streams.append(stream)
        return stream

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.clock += seconds

    async def gather(self, *calls: Callable[[], Awaitable[T]]) -> list[T]:
        results: list[T] = []
        errors: list[Exception] = []
        for call in calls:
            try:
                results.append(await call())
            except Exception as error:  # noqa: BLE001  # the first is raised when all have ended
                errors.append(error)
        if errors:
            raise errors[0]
        return results

    async def in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return function(*arguments)

    async def wait(self, future: Future[T], seconds: float | None = None) -> T:
        return future.result(seconds)

    def now(self) -> float:
        return self.clock

    def _answer(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse | Chunks:
        self.requests.append(request)
        self.timeouts.append(timeouts)
        answer = self.answers(request) if callable(self.answers) else self._scripted(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _scripted(self, request: HttpRequest) -> Answer:
        assert not callable(self.answers)
        number = len(self.requests)
        if number > len(self.answers):
            message = (
                f"Request {number} ({request.method} {shown(request.url)}) has no answer: the script holds {len(self.answers)}."
            )
            raise AssertionError(f"{message} Give FakeRuntime(answers=[...]) one for each request that is meant to be sent.")
        return self.answers[number - 1]


def _given(piece: bytes | Exception) -> bytes:
    if isinstance(piece, Exception):
        raise piece
    return piece
