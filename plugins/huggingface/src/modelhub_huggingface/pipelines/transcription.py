"""Recognition out of pipelines: a sound as it is, or as base64 where something is asked of it besides."""

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
    Notice,
    Segment,
    TranscriptionRequest,
    TranscriptionResponse,
    Unsupported,
    Word,
)
from modelhub_huggingface.pipelines.answers import parsed, rows
from modelhub_huggingface.pipelines.media import base64_of, sounded
from modelhub_huggingface.pipelines.site import PipelineSite, body

__all__ = ["PipelineTranscription", "transcription_card"]


def transcription_card(*, specified: bool) -> dict[str, Any]:
    """The fields of a card that the form of the requests decides."""
    more = {"segment_timestamps": True, "word_timestamps": not specified, "translate": not specified}
    settings = frozenset({"temperature"} if specified else {"temperature", "language"})
    return {"task": "automatic-speech-recognition", "capabilities": more, "settings": settings}


@dataclass(frozen=True)
class PipelineTranscription:
    """``automatic-speech-recognition``.

    The sound's bytes go as they are, under the media type that they themselves tell. Where something is asked for besides,
    they go as base64 in JSON.
    """

    site: PipelineSite
    name: str
    card: ModelCard
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def build(self, request: TranscriptionRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # it comes whole
        data, media_type = sounded(request.audio)
        extra = request.extra.get(self.site.provider, {})
        parameters = {name: value for name, value in self._parameters(request).items() if value}
        if not (parameters or self.arguments or extra):
            return self.site.ask(data, media_type=media_type)
        return self.site.ask(body(base64_of(request.audio), parameters, self.arguments, extra))

    def parse(self, response: HttpResponse) -> TranscriptionResponse:
        said = parsed(response, self.site, self.name)
        found = next((row for row in rows(said) if isinstance(row.get("text"), str)), None)
        if found is None:
            raise AnswerError("The answer holds no text.", head=response.body[:200])
        return TranscriptionResponse(text=found["text"].strip(), model=self.name, provider=self.site.provider, raw=said)

    def completed(self, request: TranscriptionRequest, response: TranscriptionResponse) -> TranscriptionResponse:
        """The response with its times, which are those of words where these were asked for."""
        if not request.timestamps:
            return response
        chunks: list[Any] = next((row["chunks"] for row in rows(response.raw) if isinstance(row.get("chunks"), list)), [])
        timed = [found for chunk in chunks if (found := _timed(chunk)) is not None]
        if "word" not in request.timestamps:
            return replace(response, segments=tuple(Segment(*times) for times in timed))
        notice = Notice("timestamps", "Words and segments do not come together: these are the times of the words.")
        notices = (*response.notices, notice) if "segment" in request.timestamps else response.notices
        return replace(response, words=tuple(Word(*times) for times in timed), notices=notices)

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("A pipeline's transcript comes whole.", feature="stream", model=self.card.model)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.site.fault(response, self.name)

    def _parameters(self, request: TranscriptionRequest) -> Mapping[str, Any]:
        times = "word" if "word" in request.timestamps and not self.site.specified else bool(request.timestamps)
        warmth = {} if request.temperature is None else {"temperature": request.temperature}
        if self.site.specified:
            return {"return_timestamps": times, "generation_parameters": warmth}
        spoken = {} if request.language is None else {"language": request.language.partition("-")[0]}
        english = {"task": "translate"} if request.translate else {}
        return {"return_timestamps": times, "generate_kwargs": {**spoken, **english, **warmth}}


def _timed(chunk: Any) -> tuple[float, float, str] | None:
    """Start, end and words of a chunk, if it has both; the last one's end is left out where the sound was cut."""
    times = chunk.get("timestamp") if isinstance(chunk, Mapping) else None
    if not isinstance(times, list) or len(times) != 2 or not isinstance(times[0], int | float):
        return None
    start = float(times[0])
    end = float(times[1]) if isinstance(times[1], int | float) else start
    return start, max(start, end), str(chunk.get("text") or "").strip()
