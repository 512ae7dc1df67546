"""Long texts: spoken sentence by sentence in as few pieces as possible, and put together as one file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from modelhub.errors import AnswerError, ModelhubError, Unsupported
from modelhub.interfaces.speech import AudioDelta, SpeechEvent, SpeechRequest, SpeechResponse
from modelhub.model import Finished, Runtime, Timing, Wrapper
from modelhub.sound.joining import JOINABLE, Joined, finished
from modelhub.wrappers.deadline import Deadline
from modelhub.wrappers.lanes import in_lanes
from modelhub.wrappers.summing import summed

__all__ = ["LongText", "Splitter", "pieces"]

_PAUSES = "、，；：,;:"
_SPACES = " \n\t\u3000"
_FEW = 256
_ATTACHED = 256
"""Letters behind a place, by which it is known whether a text may be cut there."""


@dataclass(frozen=True, slots=True)
class Splitter:
    """What is known of texts: where sentences end, where a text may be cut at all, and how much each limit counts it as.

    ``measures`` are limits, each with what counts a text in its unit: letters, bytes, tokens.
    """

    sentences: Callable[[str], list[tuple[int, int]]]
    cut_before: Callable[[str, int], int]
    measures: tuple[tuple[int, Callable[[str], int]], ...]

    def fits(self, text: str) -> bool:
        """Whether the text may be sent as it is."""
        return all(count(text) <= limit for limit, count in self.measures)


@dataclass(frozen=True, eq=False)
class LongText(Wrapper[SpeechRequest, SpeechResponse, SpeechEvent]):
    """Speaks a text that exceeds what the model takes at once in pieces that end where sentences do.

    ``call`` has ``lanes`` pieces under way at a time; ``stream`` takes one
    after another, and gives the first sound as soon as the first piece has some. WAV, MP3, AAC and bare samples can be put
    together; any other format is refused before anything is sent. An error that remains carries in ``partial`` the sound up to
    the piece that failed.
    """

    splitter: Splitter
    lanes: int = 4

    async def call(self, request: SpeechRequest, runtime: Runtime) -> SpeechResponse:
        texts = await self._pieces(request, runtime)
        if len(texts) == 1:
            return await self.inner.call(request, runtime)
        deadline = Deadline(request.timeouts, runtime)
        calls = [partial(self._piece, request, text, deadline, runtime) for text in texts]
        outcomes = await in_lanes(runtime, calls, self.lanes)
        spoken = [outcomes.done[number] for number in range(_unbroken(outcomes.done))]
        if outcomes.error is not None:
            outcomes.error.partial = _joined(spoken, finished(_one_file(spoken))) if spoken else None
            raise outcomes.error
        response = _joined(spoken, finished(_one_file(spoken)))
        return replace(response, timing=Timing(total=deadline.passed))

    async def stream(self, request: SpeechRequest, runtime: Runtime) -> AsyncGenerator[SpeechEvent, None]:
        texts = await self._pieces(request, runtime)
        if len(texts) == 1:
            async with aclosing(self.inner.stream(request, runtime)) as events:
                async for event in events:
                    yield event
            return
        deadline, spoken = Deadline(request.timeouts, runtime), _Spoken()
        for text in texts:
            asked = replace(request, text=text, timeouts=deadline.left())
            try:
                async with aclosing(self.inner.stream(asked, runtime)) as events:
                    async for event in events:
                        if sound := spoken.read(event):
                            yield AudioDelta(sound)
            except ModelhubError as error:
                error.partial = spoken.response() if spoken.done else None
                raise
        timing = Timing(first_token=spoken.done[0].timing.first_token, total=deadline.passed)
        yield Finished(replace(spoken.response(), timing=timing))

    async def _piece(self, request: SpeechRequest, text: str, deadline: Deadline, runtime: Runtime) -> SpeechResponse:
        return await self.inner.call(replace(request, text=text, timeouts=deadline.left()), runtime)

    async def _pieces(self, request: SpeechRequest, runtime: Runtime) -> list[str]:
        if self.splitter.fits(request.text):
            return [request.text]
        texts = await runtime.in_thread(pieces, request.text, self.splitter)
        if len(texts) > 1 and request.output_format not in (None, *JOINABLE):
            message = (
                f"{self.card.model} speaks this text in {len(texts)} pieces, and pieces of {request.output_format} "
                f"cannot be put together into one file: ask for {', '.join(JOINABLE)}."
            )
            raise Unsupported(message, feature="characters", model=self.card.model)
        return texts


class _Spoken:
    """What has been streamed so far, of all pieces."""

    def __init__(self) -> None:
        self.done: list[SpeechResponse] = []
        self._file = Joined()
        self._sound = bytearray()

    def read(self, event: SpeechEvent) -> bytes:
        """What an event of one piece adds to the sound of all."""
        if isinstance(event, AudioDelta):
            added = self._file.feed(event.data)
        else:
            self.done.append(event.response)
            added = self._file.next_file()
        self._sound += added
        return added

    def response(self) -> SpeechResponse:
        return _joined(self.done, bytes(self._sound))


def pieces(text: str, splitter: Splitter) -> list[str]:
    """The text in as few pieces as hold whole sentences and measure no more than they may; a longer sentence is cut at a pause.

    Joined, they are the text.
    """
    parts = [part for start, end in splitter.sentences(text) for part in _short(text[start:end], splitter)]
    found, first = list[str](), 0
    while first < len(parts):
        count = _most(len(parts) - first, _fitting(parts, first, splitter))
        found.append("".join(parts[first : first + count]))
        first += count
    return [piece for piece in found if piece.strip()]


def _short(sentence: str, splitter: Splitter) -> list[str]:
    """The sentence, or pieces of it that fit: up to a pause where there is one, and never between what belongs together."""
    found, start = list[str](), 0
    while start < len(sentence):
        count = _most(len(sentence) - start, _fitting(sentence, start, splitter))
        piece = sentence[start : start + count]
        if start + count < len(sentence):
            whole = splitter.cut_before(sentence[start : start + count + _ATTACHED], count) or count
            pause = max(piece.rfind(mark, 0, whole) for mark in _PAUSES + _SPACES) + 1
            piece = piece[: pause if pause > whole // 2 else whole]
        found.append(piece)
        start += len(piece)
    return found


def _fitting(parts: Sequence[str], first: int, splitter: Splitter) -> Callable[[int], bool]:
    """Whether so many of the parts fit together, from ``first`` on."""
    return lambda count: splitter.fits("".join(parts[first : first + count]))


def _most(whole: int, fits: Callable[[int], bool]) -> int:
    """The largest count that fits, of ``whole`` at most and 1 at least: found by doubling, then by halving."""
    if whole <= _FEW and fits(whole):
        return whole
    least, most = 0, 1
    while most < whole and fits(most):
        least, most = most, 2 * most
    most = most if most < whole else whole + 1
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return max(least, 1)


def _unbroken(done: dict[int, SpeechResponse]) -> int:
    """How many pieces from the first on are there."""
    return next(number for number in range(len(done) + 1) if number not in done)


def _one_file(spoken: list[SpeechResponse]) -> bytes:
    file, whole = Joined(), bytearray()
    for response in spoken:
        whole += file.feed(response.audio)
        whole += file.next_file()
    return bytes(whole)


def _joined(spoken: list[SpeechResponse], audio: bytes) -> SpeechResponse:
    """One response for all pieces. Raises ``AnswerError`` where they are not of one kind."""
    if len(kinds := {response.media_type for response in spoken}) > 1:
        raise AnswerError(f"The pieces of the sound are of different kinds: {', '.join(sorted(kinds))}.")
    lengths = [response.duration for response in spoken]
    known = [length for length in lengths if length is not None]
    return replace(summed(spoken), audio=audio, duration=sum(known) if len(known) == len(lengths) else None)
