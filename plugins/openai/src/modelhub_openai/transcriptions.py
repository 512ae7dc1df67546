"""Transcription and translation: a sound as text, with times where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelhub.plugin import (
    AudioPart,
    HttpModel,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    Notice,
    TranscriptionModel,
    TranscriptionRequest,
    TranscriptionResponse,
    extension,
    sniff,
)
from modelhub_openai import known
from modelhub_openai.forms import Form, Upload, form_fields
from modelhub_openai.languages import code
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.site import Site, host
from modelhub_openai.transcript_stream import TranscriptDecoder
from modelhub_openai.transcripts import understood

__all__ = ["Transcription", "model"]

_TAKEN = {
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "mp4": "audio/mp4",
    "mpeg": "audio/mpeg",
    "mpga": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}


def model(name: str, options: OpenAIOptions | None) -> TranscriptionModel:
    """The model of that name on the host that the options describe."""
    return HttpModel(Transcription(host(options), name))


@dataclass(frozen=True)
class Transcription:
    """``audio/transcriptions`` of one model on one host, and ``audio/translations`` where English is asked for.

    The file is named for what its bytes are, whatever it was called. Times are asked for by ``verbose_json``, speakers by
    ``diarized_json``; otherwise the answer is the short one. ``phrases`` are a hint: they go into the prompt.
    """

    site: Site
    name: str
    card: ModelCard = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", known.card(self.site, self.name, "transcription"))

    def build(self, request: TranscriptionRequest, *, stream: bool) -> HttpRequest:
        operation = "audio/translations" if request.translate else "audio/transcriptions"
        given = form_fields(request.extra.get(self.site.provider, {}))
        names = {name for name, _ in given}.union(self.site.quirks.omit)
        fields = [
            each for each in self._fields(request, stream) if each[0] not in names and each[0].removesuffix("[]") not in names
        ]
        return self.site.post(operation, self.name, Form((*fields, *given), (_upload(request.audio),)))

    def parse(self, response: HttpResponse) -> TranscriptionResponse:
        return understood(response, self.site, self.name)

    def decoder(self) -> TranscriptDecoder:
        return TranscriptDecoder(self.site, self.name)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def completed(self, request: TranscriptionRequest, response: TranscriptionResponse) -> TranscriptionResponse:
        """The response with a notice of what a translation takes no heed of."""
        if not (request.translate and request.language):
            return response
        notice = Notice("language", "A translation finds out by itself which language is spoken; it was left out.")
        return replace(response, notices=(*response.notices, notice))

    def _fields(self, request: TranscriptionRequest, stream: bool) -> Iterator[tuple[str, str]]:
        yield "model", self.name
        yield "response_format", self._format(request)
        if request.language and not request.translate:
            yield self._traits.get("language_field", "language"), code(request.language)
        yield from self._hints(request)
        if request.temperature is not None:
            yield "temperature", str(request.temperature)
        for wanted in sorted(request.timestamps) if self._format(request) == "verbose_json" else ():
            yield "timestamp_granularities[]", wanted
        if chunking := self._traits.get("chunking"):
            yield "chunking_strategy", chunking
        if stream and self._traits.get("streams", True):
            yield "stream", "true"

    def _hints(self, request: TranscriptionRequest) -> Iterator[tuple[str, str]]:
        """The prompt, and the phrases: in a field of their own where there is one, else behind the prompt."""
        own: str = self._traits.get("phrases_field", "")
        hints = (request.prompt, None if own else ", ".join(request.phrases))
        if prompt := " ".join(hint for hint in hints if hint):
            yield "prompt", prompt
        for phrase in request.phrases if own else ():
            yield own, phrase

    def _format(self, request: TranscriptionRequest) -> str:
        usual: str = self._traits.get("format", "json")
        return "verbose_json" if request.timestamps and usual == "json" else usual

    @property
    def _traits(self) -> Mapping[str, Any]:
        return known.traits("transcription", self.site.base_model(self.name))


def _upload(audio: AudioPart) -> Upload:
    """The file under a name and a type that fit its bytes. Raises ``InvalidRequest`` where they are of no known sort."""
    if audio.data is None:
        raise InvalidRequest("The sound is an address; this provider takes files: read it first, and give its bytes.")
    media_type = sniff(audio.data) or (audio.media_type or "").partition(";")[0].strip().lower()
    suffix = extension(media_type)
    if not media_type.startswith("audio/") or suffix == "bin":
        suffix = (audio.name or "").rpartition(".")[2].lower()
        media_type = _TAKEN.get(suffix, "")
    if not media_type:
        raise InvalidRequest(f"The bytes are no sound of a known format. These are: {', '.join(sorted(_TAKEN))}.")
    return Upload("file", f"audio.{suffix}", media_type, audio.data)
