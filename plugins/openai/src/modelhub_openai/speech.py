"""Speech: a text as a sound, whose bytes are handed on as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.plugin import (
    AnswerError,
    HttpModel,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    SpeechModel,
    SpeechRequest,
    SpeechResponse,
)
from modelhub_openai import known
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import Site, host
from modelhub_openai.speech_stream import SpeechDecoder

__all__ = ["Speech", "model"]

_MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


def model(name: str, options: OpenAIOptions | None) -> SpeechModel:
    """The model of that name on the host that the options describe."""
    return HttpModel(Speech(host(options), name))


@dataclass(frozen=True)
class Speech:
    """``audio/speech`` of one model on one host.

    The body of the answer is the sound. ``extra={"openai": {"stream_format": "sse"}}`` asks for events instead, which tell the
    tokens used; ``tts-1`` has none.
    """

    site: Site
    name: str
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", known.card(self.site, self.name, "speech"))

    def build(self, request: SpeechRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # sound streams by itself
        self._check(request)
        body = {
            "model": self.name,
            "input": request.text,
            "voice": request.voice or self._traits.get("voice"),
            "response_format": request.output_format,
            "speed": request.speed,
            "instructions": request.instructions,
            "stream_format": self._traits.get("stream_format"),
            **request.extra.get(self.site.provider, {}),
        }
        left_out = self.site.quirks.omit
        written = {name: value for name, value in body.items() if value is not None and name not in left_out}
        return self.site.post("audio/speech", self.name, written)

    def parse(self, response: HttpResponse) -> SpeechResponse:
        decoder = self.decoder()
        list(decoder.feed(response.body))
        decoder.close()
        spoken = decoder.partial()
        told = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not spoken.media_type and told.startswith("text/"):
            raise AnswerError(f"The answer is {told}, and no sound.", head=response.body[:200])
        return spoken if spoken.media_type or not told.startswith("audio/") else replace(spoken, media_type=told)

    def decoder(self) -> SpeechDecoder:
        return SpeechDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def completed(self, request: SpeechRequest, response: SpeechResponse) -> SpeechResponse:
        """The response with what only the request tells: its letters, which is what is billed, and what bare samples are."""
        if response.usage.input_tokens is None and response.usage.characters is None:
            response = replace(response, usage=replace(response.usage, characters=len(request.text) or None))
        kind = response.media_type or _MEDIA_TYPES.get(request.output_format or "mp3", "application/octet-stream")
        rate = self._traits.get("pcm_rate") if kind == "audio/pcm" else response.sample_rate
        duration = len(response.audio) / 2 / rate if kind == "audio/pcm" and rate else response.duration
        return replace(response, media_type=kind, sample_rate=rate, duration=duration)

    @property
    def _traits(self) -> Mapping[str, Any]:
        return known.traits("speech", self.site.base_model(self.name))

    def _check(self, request: SpeechRequest) -> None:
        """What is known to be refused is refused here, with what may be given."""
        formats = self._traits.get("formats")
        if formats and request.output_format not in (None, *formats):
            message = f"output_format is {request.output_format!r}; {self.card.model} gives {', '.join(formats)}."
            raise InvalidRequest(message)
        least, most = self._traits.get("speed", (0.0, float("inf")))
        if request.speed is not None and not least <= request.speed <= most:
            raise InvalidRequest(f"speed is {request.speed}; {self.card.model} takes {least:g} to {most:g}.")
