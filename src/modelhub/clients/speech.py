"""Speech: ``speak`` a text, or ``stream`` its sound from the first byte on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from modelhub.clients.requests import made
from modelhub.clients.streams import AsyncStream, Stream
from modelhub.errors import InvalidRequest
from modelhub.interfaces.checks import word
from modelhub.interfaces.speech import SpeechEvent, SpeechModel, SpeechRequest, SpeechResponse
from modelhub.model import ModelCard, Runtime, Timeouts
from modelhub.transport.drive import drive

__all__ = ["AsyncSpeechClient", "SpeechClient", "SpeechOptions"]


class SpeechOptions(TypedDict, total=False):
    """What ``speak`` and ``stream`` take beside the text; see ``SpeechRequest``."""

    voice: str | None
    language: str | None
    output_format: str | None
    speed: float | None
    instructions: str | None
    timeouts: Timeouts
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpeechClient:
    """A speech model by its name, blocking."""

    model: SpeechModel
    runtime: Runtime
    defaults: SpeechOptions

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.model.card

    def speak(self, text: str, **options: Unpack[SpeechOptions]) -> SpeechResponse:
        """The whole sound; ``.save(path)`` writes it."""
        return drive(self.model.call(speech_request(text, {**self.defaults, **options}), self.runtime))

    def stream(self, text: str, **options: Unpack[SpeechOptions]) -> Stream[SpeechEvent, SpeechResponse]:
        """The sound as it comes: ``AudioDelta`` events, then ``Finished``."""
        return Stream(self.model.stream(speech_request(text, {**self.defaults, **options}), self.runtime))


@dataclass(frozen=True, slots=True)
class AsyncSpeechClient:
    """A speech model by its name, awaited."""

    model: SpeechModel
    runtime: Runtime
    defaults: SpeechOptions

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        return self.model.card

    async def speak(self, text: str, **options: Unpack[SpeechOptions]) -> SpeechResponse:
        """The whole sound; ``.save(path)`` writes it."""
        return await self.model.call(speech_request(text, {**self.defaults, **options}), self.runtime)

    def stream(self, text: str, **options: Unpack[SpeechOptions]) -> AsyncStream[SpeechEvent, SpeechResponse]:
        """The sound as it comes: ``AudioDelta`` events, then ``Finished``."""
        return AsyncStream(self.model.stream(speech_request(text, {**self.defaults, **options}), self.runtime))


def speech_request(text: str, options: Mapping[str, Any]) -> SpeechRequest:
    """A request from a caller's words. Raises ``InvalidRequest`` for an empty text."""
    word("text", text)
    if not text.strip():
        raise InvalidRequest("There is nothing to speak: the text is empty.")
    return made(SpeechRequest, options, text=text)
