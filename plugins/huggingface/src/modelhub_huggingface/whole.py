"""Answers that come whole, as streams: one piece, and the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from modelhub.plugin import (
    AudioDelta,
    Finished,
    Request,
    Response,
    Runtime,
    SegmentTranscribed,
    SpeechResponse,
    TextDelta,
    TextResponse,
    TranscriptDelta,
    TranscriptionResponse,
    Wrapper,
)

__all__ = ["Whole"]

RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Response)


@dataclass(frozen=True, eq=False, repr=False)
class Whole(Wrapper[RequestT, ResponseT, Any]):
    """A model that gives its answer at once: whoever asks for a stream gets it in one piece."""

    async def stream(self, request: RequestT, runtime: Runtime) -> AsyncGenerator[Any, None]:
        response = await self.inner.call(request, runtime)
        for event in _pieces(response):
            yield event
        yield Finished(response)

    def __repr__(self) -> str:
        return f"Whole({self.inner!r})"


def _pieces(response: Response) -> Iterator[Any]:
    match response:
        case TextResponse() if response.text:
            yield TextDelta(response.text)
        case SpeechResponse() if response.audio:
            yield AudioDelta(response.audio)
        case TranscriptionResponse():
            if response.text:
                yield TranscriptDelta(response.text)
            for segment in response.segments:
                yield SegmentTranscribed(segment)
