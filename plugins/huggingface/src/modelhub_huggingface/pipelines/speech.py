"""Speech out of pipelines: a sound's bytes, its base64, or its samples as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    SpeechRequest,
    SpeechResponse,
    Unsupported,
    read_wav,
    sniff,
)
from modelhub_huggingface.pipelines.media import media, waved
from modelhub_huggingface.pipelines.site import PipelineSite, body

__all__ = ["PipelineSpeech"]


@dataclass(frozen=True)
class PipelineSpeech:
    """``text-to-speech``. What kind of sound came, its bytes tell, whatever the server calls it."""

    site: PipelineSite
    name: str
    card: ModelCard
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def build(self, request: SpeechRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # a sound comes whole
        content = body(request.text, {}, self.arguments, request.extra.get(self.site.provider, {}))
        return self.site.ask(content, accept="*/*")

    def parse(self, response: HttpResponse) -> SpeechResponse:
        found, said = media(response, "audio", self.site, self.name)
        told = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        audio = found[0] if found else _samples(said, response.body)
        wav = read_wav(audio)
        return SpeechResponse(
            audio=audio,
            media_type=sniff(audio) or (told if told.startswith("audio/") else "application/octet-stream"),
            sample_rate=wav.form.rate if wav else _rate(said),
            duration=wav.seconds if wav else None,
            model=self.name,
            provider=self.site.provider,
            raw=None,
        )

    def completed(self, request: SpeechRequest, response: SpeechResponse) -> SpeechResponse:
        """The response with the letters that were spoken: nothing else is counted."""
        return replace(response, usage=replace(response.usage, characters=len(request.text) or None))

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A pipeline's sound comes whole.", feature="stream", model=self.card.model)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)


def _rate(said: Any) -> int | None:
    row = said[0] if isinstance(said, list) and said else said
    rate = row.get("sampling_rate") if isinstance(row, Mapping) else None
    return int(rate) if isinstance(rate, int | float) and rate > 0 else None


def _samples(said: Any, data: bytes) -> bytes:
    row = said[0] if isinstance(said, list) and said and isinstance(said[0], Mapping) else said
    rate = _rate(said)
    if not isinstance(row, Mapping) or not isinstance(row.get("audio"), list) or rate is None:
        raise AnswerError("The answer holds neither a sound nor samples with their rate.", head=data[:200])
    return waved(row["audio"], rate)
