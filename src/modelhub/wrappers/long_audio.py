"""Long recordings: cut where nobody speaks, written down part by part, and put together again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from modelhub.errors import InvalidRequest, ModelhubError
from modelhub.interfaces.media import AudioPart, sniff
from modelhub.interfaces.transcription import (
    SegmentTranscribed,
    TranscriptDelta,
    TranscriptionEvent,
    TranscriptionRequest,
    TranscriptionResponse,
)
from modelhub.model import Finished, Runtime, Timing, Wrapper
from modelhub.sound.conversion import as_wav, converter
from modelhub.sound.division import Division, cuttable, divided, exceeds
from modelhub.wrappers.deadline import Deadline
from modelhub.wrappers.lanes import in_lanes
from modelhub.wrappers.stitching import JoinedText, moved, stitched

__all__ = ["LongAudio"]


@dataclass(frozen=True, eq=False)
class LongAudio(Wrapper[TranscriptionRequest, TranscriptionResponse, TranscriptionEvent]):
    """Sends a recording that exceeds the card's ``audio_bytes`` or ``audio_seconds`` in parts.

    WAV is cut as it is, in the middle of silences, so that times are exact and no word is lost; any other format is made WAV by
    ``ffmpeg`` where that is installed. ``call`` has ``lanes`` parts under way at a time, ``stream`` takes one after another.
    Each part is a request of its own to what is wrapped, so only parts that fail are asked again. An error that remains carries
    in ``partial`` the response made of the parts that are done, with a notice for each stretch that is missing.
    """

    lanes: int = 4

    async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
        deadline = Deadline(request.timeouts, runtime)
        request, division = await self._divided(request, runtime)
        if division is None:
            return await self.inner.call(request, runtime)
        calls = [partial(self._part, request, division, number, deadline, runtime) for number in range(division.count)]
        outcomes = await in_lanes(runtime, calls, self.lanes)
        if outcomes.error is not None:
            outcomes.error.partial = _done(division, outcomes.done)
            raise outcomes.error
        return replace(stitched(division, outcomes.done), timing=Timing(total=deadline.passed))

    async def stream(self, request: TranscriptionRequest, runtime: Runtime) -> AsyncGenerator[TranscriptionEvent, None]:
        deadline = Deadline(request.timeouts, runtime)
        request, division = await self._divided(request, runtime)
        if division is None:
            async with aclosing(self.inner.stream(request, runtime)) as events:
                async for event in events:
                    yield event
            return
        written = _Written(division)
        for number in range(division.count):
            asked = _asked(request, division, number, deadline)
            try:
                async with aclosing(self.inner.stream(asked, runtime)) as events:
                    async for event in events:
                        if (whole := written.read(event, number)) is not None:
                            yield whole
            except ModelhubError as error:
                error.partial = _done(division, written.with_part(number, error.partial))
                raise
        timing = Timing(first_token=written.first_token, total=deadline.passed)
        yield Finished(replace(stitched(division, written.parts), timing=timing))

    async def _part(
        self, request: TranscriptionRequest, division: Division, number: int, deadline: Deadline, runtime: Runtime
    ) -> TranscriptionResponse:
        return await self.inner.call(_asked(request, division, number, deadline), runtime)

    async def _divided(self, request: TranscriptionRequest, runtime: Runtime) -> tuple[TranscriptionRequest, Division | None]:
        """The request, and the parts of its recording where there has to be more than one."""
        data, limits = request.audio.data, self.card.limits
        if data is None or (excess := exceeds(data, limits)) is None:
            return request, None
        if not cuttable(data):
            data = await self._converted(request, data, excess, runtime)
            request = replace(request, audio=AudioPart(data=data, media_type="audio/wav"))
        return request, await runtime.in_thread(divided, data, limits) if exceeds(data, limits) else None

    async def _converted(self, request: TranscriptionRequest, data: bytes, excess: str, runtime: Runtime) -> bytes:
        media_type = sniff(data) or request.audio.media_type or "of no known format"
        program = converter()
        if program is None:
            message = (
                f"This recording ({media_type}) {excess}. Make a WAV file of plain samples, which is cut at its silences, "
                "or install ffmpeg, which is then used for that."
            )
            raise InvalidRequest(message)
        return await runtime.in_thread(as_wav, data, media_type, program, request.timeouts.total)


class _Written:
    """What has been streamed so far, of all parts."""

    def __init__(self, division: Division) -> None:
        self.parts: dict[int, TranscriptionResponse] = {}
        self.first_token: float | None = None
        self._division = division
        self._text = JoinedText()

    def with_part(self, number: int, begun: object) -> dict[int, TranscriptionResponse]:
        """What is done, with what had come of a part that broke."""
        return {**self.parts, number: begun} if isinstance(begun, TranscriptionResponse) else self.parts

    def read(self, event: TranscriptionEvent, number: int) -> TranscriptionEvent | None:
        """The event of a part as one of the whole; nothing for a part's end."""
        match event:
            case TranscriptDelta():
                added = self._text.add(event.text)
                return TranscriptDelta(added) if added else None
            case SegmentTranscribed():
                return SegmentTranscribed(moved(event.segment, self._division, number))
            case Finished():
                if self.first_token is None:
                    self.first_token = event.response.timing.first_token
                self.parts[number] = event.response
                self._text.next_part()
                return None


def _asked(request: TranscriptionRequest, division: Division, number: int, deadline: Deadline) -> TranscriptionRequest:
    part: AudioPart = division.part(number)
    return replace(request, audio=part, timeouts=deadline.left())


def _done(division: Division, parts: dict[int, TranscriptionResponse]) -> TranscriptionResponse | None:
    return stitched(division, parts) if parts else None
