"""Transcription models and transcription endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar

from modelhub.interfaces.transcription import Segment, TranscriptionRequest, TranscriptionResponse, Word
from modelhub.model import Kind
from modelhub.testing.conformance.decoding import StreamedEndpointConformance
from modelhub.testing.conformance.samples import sound
from modelhub.testing.conformance.stream import OptionalStreamConformance
from modelhub.testing.driven import Driven

__all__ = ["TranscriptionConformance", "TranscriptionEndpointConformance"]


class TranscriptionConformance(OptionalStreamConformance):
    """For any transcription model. ``request`` asks for a fifth of a second of silence: override it with a real sound."""

    kind: ClassVar[Kind] = "transcription"
    knobs: ClassVar[Mapping[str, Any]] = {"language": "ja", "prompt": "天気", "phrases": ("雨", "晴れ"), "temperature": 0.25}

    def request(self) -> TranscriptionRequest:
        return TranscriptionRequest(audio=sound())

    def needing(self) -> Mapping[str, TranscriptionRequest]:
        request = self.request()
        return {
            "segment_timestamps": replace(request, timestamps=frozenset({"segment"})),
            "word_timestamps": replace(request, timestamps=frozenset({"word"})),
            "translate": replace(request, translate=True),
        }

    def test_times_go_forward(self, runtime: Driven) -> None:
        response = runtime.call(self.model(), self.request())
        assert isinstance(response, TranscriptionResponse), f"call() gave {response!r}: give a TranscriptionResponse."
        timed: tuple[Sequence[Segment | Word], ...] = (response.segments, response.words)
        for pieces in timed:
            backwards = [piece for piece in pieces if piece.end < piece.start]
            assert not backwards, f"{backwards[0]!r} ends before it starts: times are seconds from the start of the sound."
            late = [later for earlier, later in pairwise(pieces) if later.start < earlier.start]
            assert not late, f"{late[0]!r} starts before the one ahead of it: put them in the order of time."


class TranscriptionEndpointConformance(StreamedEndpointConformance, TranscriptionConformance):
    """For a transcription endpoint."""
