"""Speech: ``speak`` a text, or ``stream`` its sound from the first byte on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from modelhub.clients.client import Client
from modelhub.clients.requests import made
from modelhub.clients.streams import AsyncStream, Stream
from modelhub.errors import InvalidRequest
from modelhub.interfaces.speech import SpeechEvent, SpeechModel, SpeechRequest, SpeechResponse
from modelhub.model import Timeouts
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
    retries: int | None
    extra: Mapping[str, Any]


class SpeechClient(Client[SpeechModel, SpeechOptions]):
    """A speech model by its name, blocking."""

    __slots__ = ()

    def speak(self, text: str, **options: Unpack[SpeechOptions]) -> SpeechResponse:
        """The whole sound; ``.save(path)`` writes it."""
        return drive(self.model.call(speech_request(text, {**self.defaults, **options}), self.runtime))

    def stream(self, text: str, **options: Unpack[SpeechOptions]) -> Stream[SpeechEvent, SpeechResponse]:
        """The sound as it comes: ``AudioDelta`` events, then ``Finished``."""
        return Stream(self.model.stream(speech_request(text, {**self.defaults, **options}), self.runtime))


class AsyncSpeechClient(Client[SpeechModel, SpeechOptions]):
    """A speech model by its name, awaited."""

    __slots__ = ()

    async def speak(self, text: str, **options: Unpack[SpeechOptions]) -> SpeechResponse:
        """The whole sound; ``.save(path)`` writes it."""
        return await self.model.call(speech_request(text, {**self.defaults, **options}), self.runtime)

    def stream(self, text: str, **options: Unpack[SpeechOptions]) -> AsyncStream[SpeechEvent, SpeechResponse]:
        """The sound as it comes: ``AudioDelta`` events, then ``Finished``."""
        request = speech_request(text, {**self.defaults, **options})
        return AsyncStream(self.model.stream(request, self.runtime), self.runtime)


def speech_request(text: object, options: Mapping[str, Any]) -> SpeechRequest:
    """A request from a caller's words. Raises ``InvalidRequest`` for an empty text."""
    if not isinstance(text, str):
        raise InvalidRequest(f"text is {text!r:.100}; it must be a string.")
    if not text.strip():
        raise InvalidRequest("There is nothing to speak: the text is empty.")
    return made(SpeechRequest, options, text=text)
