"""One file fetched from an address: gone on with where it was left, checked, and told of while it comes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelhub.catalog.hop import Arrival, arrive
from modelhub.catalog.part import Part, State
from modelhub.catalog.placing import Progress, require_room
from modelhub.catalog.refusal import refusal
from modelhub.errors import AnswerError, ModelhubError, ProviderError, TransportError
from modelhub.http import HttpResponse, shown
from modelhub.model import Timeouts

if TYPE_CHECKING:
    from modelhub.http import HttpStream, Secret
    from modelhub.model import Runtime
    from modelhub.route import Route

__all__ = ["Download"]

_AT_ONCE = 1 << 22
"""Bytes that are collected before they are written: an event loop hands them to a thread."""
_TRIES, _FIRST_TRIES = 5, 3
"""In a row without a byte more, where something has come, and where nothing has."""
_LONGEST_WAIT = 60.0
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What to fetch, and how. ``token`` is what goes into ``authorization`` where the server of ``address`` is asked."""

    address: str
    token: Secret | None = None
    sha256: str | None = None
    """What the file must be; else what its hub says it is."""
    help: str = ""
    """What the caller may do where the server refuses: which variable holds a token, where a licence is accepted."""
    timeouts: Timeouts = Timeouts(first_token=60.0, idle=60.0, total=None)
    progress: Progress | None = None
    route: Route | None = None

    async def run(self, part: Part, runtime: Runtime) -> str:
        """Fetch what is missing of the part, and give the path of the whole file.

        A broken connection is made again and gone on with, as long as something comes. Raises ``AnswerError`` where the
        checksum is another (and then nothing is kept), ``SetupError`` where there is no room, else ``ProviderError`` or
        ``TransportError``; what has come stays.
        """
        failures = 0
        while not part.whole:
            before = part.size
            try:
                await self._go_on(part, runtime)
                await runtime.in_thread(self._finish, part)
            except (TransportError, ProviderError) as error:
                failures = 1 if part.size > before else failures + 1
                wait: float = getattr(error, "retry_after", None) or 0.025 * 4**failures
                if failures >= (_TRIES if part.size else _FIRST_TRIES) or wait > _LONGEST_WAIT or not _passes(error):
                    raise
                await runtime.sleep(wait)
        return part.whole_path

    async def into(self, folder: str, name: str, runtime: Runtime) -> str:
        """Fetch the file into a folder, under that name, and give its path. Called again, it goes on where it was left.

        Raises as ``run`` does, and ``SetupError`` where another process or thread is at it.
        """
        with Part(folder, name) as part:
            return await self.run(part, runtime)

    async def _go_on(self, part: Part, runtime: Runtime) -> None:
        if part.size and not _can_resume(part.state, self.sha256):
            part.reset()
        begin = part.size
        asking = _asking(begin, part.state)
        arrival = await arrive(self.address, asking, self.token, runtime, self.timeouts, self.route)
        try:
            if await self._received(part, arrival, begin):
                await self._read(part, arrival.stream, runtime)
        finally:
            await arrival.stream.aclose()

    async def _received(self, part: Part, arrival: Arrival, begin: int) -> bool:
        """Bring the part into the state in which the answer's body follows it. ``False``: there is no body to read."""
        stream = arrival.stream
        if stream.status not in (200, 206, 416):
            raise refusal(HttpResponse(stream.status, stream.headers, await _some(stream)), self.address, self.help)
        first, total = _place(stream, arrival)
        state = State(etag=stream.headers.get("etag"), total=total, sha256=arrival.sha256)
        other = _another(part.state, state)
        if stream.status == 416:
            return self._beyond(part, total, begin, other=other)
        if begin and (first != begin or other):
            part.reset()
            if first:
                raise _Again(f"{shown(self.address)} has changed.")
        part.remember(state)
        if total is not None:
            require_room(part.folder, total - first)
        return True

    def _beyond(self, part: Part, total: int | None, begin: int, *, other: bool) -> bool:
        """There is nothing behind what has come: either it is all there is, or it is no part of the file."""
        if begin and begin == total and not other:
            return False
        part.reset()
        if not begin:
            raise AnswerError(f"{shown(self.address)} answers a request for the whole file with 416.")
        raise _Again(f"{shown(self.address)} has changed.")

    async def _read(self, part: Part, stream: HttpStream, runtime: Runtime) -> None:
        await runtime.in_thread(part.begin)
        total, done = part.state.total, part.size
        waiting: list[bytes] = []
        held = 0
        try:
            async for piece in stream.chunks():
                stream.begun()
                waiting.append(piece)
                held += len(piece)
                done += len(piece)
                if held >= _AT_ONCE:
                    ready, waiting, held = waiting, [], 0
                    await runtime.in_thread(part.append, ready)
                if self.progress is not None:
                    self.progress(done, total or done, part.name)
        finally:
            part.append(waiting)  # also where it is interrupted: what has come is kept
        if total is not None and part.size < total:
            raise _Again(f"{shown(self.address)} ended after {part.size} of {total} bytes.")

    def _finish(self, part: Part) -> None:
        """Hold the file against what it must be."""
        wanted, total = (self.sha256 or part.state.sha256 or "").lower(), part.state.total
        found = part.checksum()
        if (wanted and found != wanted) or (total is not None and part.size != total):
            size = part.size
            part.reset()
            told = (
                f"its SHA-256 is {found} ({size} bytes) and should be {wanted}"
                if wanted
                else f"it has {size} bytes, not {total}"
            )
            raise AnswerError(f"{shown(self.address)} came damaged, or is another file: {told}. Nothing of it was kept.")
        part.finish()


class _Again(TransportError):
    """The file did not come whole; another try may bring the rest."""

    retryable = True


def _passes(error: ModelhubError) -> bool:
    """Whether asking again may help. Fetching a file changes nothing, so that a lost answer may be asked for again."""
    return isinstance(error, TransportError) or error.retryable


def _can_resume(state: State, sha256: str | None) -> bool:
    """Whether it would be noticed that the rest is of another file."""
    return _strong(state.etag) or bool(state.sha256 or sha256)


def _strong(etag: str | None) -> bool:
    return bool(etag) and not str(etag).startswith("W/")


def _asking(begin: int, state: State) -> dict[str, str]:
    headers = {"accept-encoding": "identity"}
    if begin:
        headers["range"] = f"bytes={begin}-"
        if state.etag is not None and _strong(state.etag):
            headers["if-range"] = state.etag
    return headers


def _another(before: State, now: State) -> bool:
    """Whether what the server has now is not what the part is of."""
    pairs = ((before.sha256, now.sha256), (before.total, now.total))
    if any(old is not None and new is not None and old != new for old, new in pairs):
        return True
    same_content = before.sha256 is not None and before.sha256 == now.sha256
    return not same_content and before.etag is not None and now.etag is not None and before.etag != now.etag


def _place(stream: HttpStream, arrival: Arrival) -> tuple[int, int | None]:
    """Where the body begins within the file, and the file's size."""
    found = _RANGE.fullmatch(stream.headers.get("content-range", "").strip())
    if stream.status in (206, 416) and found:
        total = int(found[3]) if found[3] != "*" else arrival.size
        return int(found[1] or 0), total
    if stream.status == 206:
        raise AnswerError("The server sends a part of the file and does not say which.")
    length = stream.headers.get("content-length", "")
    plain = "content-encoding" not in stream.headers and length.isascii() and length.isdigit()
    return 0, int(length) if plain and stream.status == 200 else arrival.size


async def _some(stream: HttpStream) -> bytes:
    """The beginning of a body, which explains an error."""
    head = b""
    async for piece in stream.chunks():
        head += piece
        if len(head) > 1 << 16:
            break
    return head
