"""Speech models and speech endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from modelhub.interfaces.speech import SpeechRequest, SpeechResponse
from modelhub.model import Kind
from modelhub.testing.conformance.decoding import StreamedEndpointConformance
from modelhub.testing.conformance.samples import GREETING
from modelhub.testing.conformance.stream import OptionalStreamConformance
from modelhub.testing.driven import Driven

__all__ = ["SpeechConformance", "SpeechEndpointConformance"]


class SpeechConformance(OptionalStreamConformance):
    """For any speech model. ``knobs`` hold values that few models share: override those that yours spells otherwise."""

    kind: ClassVar[Kind] = "speech"
    knobs: ClassVar[Mapping[str, Any]] = {
        "voice": "alloy",
        "language": "ja",
        "output_format": "wav",
        "speed": 1.25,
        "instructions": "Speak softly.",
    }

    def request(self) -> SpeechRequest:
        return SpeechRequest(text=GREETING)

    def test_the_sound_is_what_its_media_type_says(self, runtime: Driven) -> None:
        response = runtime.call(self.model(), self.request())
        assert isinstance(response, SpeechResponse), f"call() gave {type(response).__name__}: give a SpeechResponse."
        assert response.audio, "The sound is empty: raise AnswerError instead."
        from modelhub.interfaces.media import sniff

        seen = sniff(response.audio)
        assert seen in (None, response.media_type), f"media_type is {response.media_type!r}, the bytes are {seen}."


class SpeechEndpointConformance(StreamedEndpointConformance, SpeechConformance):
    """For a speech endpoint. Set ``end_is_marked`` where the stream is made of events rather than of bare sound."""

    end_is_marked: ClassVar[bool] = False
