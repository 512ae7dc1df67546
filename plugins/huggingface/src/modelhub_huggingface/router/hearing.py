"""Transcripts from a provider with a form of its own: the sound goes as an address that holds it, the words come as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    AudioPart,
    Decoder,
    FollowUp,
    HttpModel,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    ModelCard,
    ModelhubError,
    Segment,
    TranscriptionModel,
    TranscriptionRequest,
    TranscriptionResponse,
    Unsupported,
    sniff,
)
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router import jobs
from modelhub_huggingface.router.predictions import predicted, predictions
from modelhub_huggingface.router.served import Served
from modelhub_huggingface.whole import Whole

__all__ = ["Ear", "Hearing", "fal", "replicate"]


@dataclass(frozen=True, slots=True)
class Ear:
    """A provider's form: where a request goes, what it asks for and holds, what of an answer is a job, and what its words are.

    Called as a row of the providers' table is, it makes the model.
    """

    path: Callable[[Served], str]
    asked: Callable[[TranscriptionRequest], Mapping[str, Any]]
    body: Callable[[Served, str, Mapping[str, Any]], Mapping[str, Any]]
    words: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    job: Callable[[Mapping[str, Any], Served], FollowUp | None] = jobs.inline
    headers: Mapping[str, str] | None = None

    def __call__(self, served: Served, options: HuggingFaceOptions) -> TranscriptionModel:
        return Whole(HttpModel(Hearing(served, self, options.arguments)))


@dataclass(frozen=True)
class Hearing:
    """One model at one provider."""

    served: Served
    ear: Ear
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def card(self) -> ModelCard:
        return self.served.card("transcription")

    def build(self, request: TranscriptionRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # `Whole` never streams
        beside = {**self.arguments, **self.ear.asked(request), **request.extra.get(self.served.provider, {})}
        body = self.ear.body(self.served, _address(request.audio), {k: v for k, v in beside.items() if v is not None})
        return self.served.json(self.ear.path(self.served), body, self.ear.headers)

    def follow(self, response: HttpResponse) -> FollowUp | None:
        """The next question about a job, or the way to words that lie in a file."""
        said = jobs.told(response)
        if said is None:
            return None
        if (step := self.ear.job(said, self.served)) is not None:
            return step
        words = self.ear.words(said)
        file = words.get("txt_file")
        return jobs.delivery(self.served, [file] if isinstance(file, str) and "text" not in words else [])

    def parse(self, response: HttpResponse) -> TranscriptionResponse:
        said = jobs.told(response)
        if said is None:
            return TranscriptionResponse(text=_plain(response), model=self.served.model)
        words = self.ear.words(said)
        if not isinstance(words.get("text"), str):
            raise AnswerError("The answer holds no text.", head=response.body[:200])
        language = words.get("language")
        return TranscriptionResponse(
            text=words["text"].strip(),
            language=language if isinstance(language, str) else None,
            segments=tuple(_segments(words.get("chunks"))),
            model=self.served.model,
            raw=said,
        )

    def completed(self, request: TranscriptionRequest, response: TranscriptionResponse) -> TranscriptionResponse:
        """The response without times that nobody asked for."""
        return response if request.timestamps else replace(response, segments=())

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("Such a transcript comes whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.served.fault(response, self.served.model)


def _address(audio: AudioPart) -> str:
    """An address, or the bytes as one whose media type is what they are."""
    if audio.data is None:
        return audio.data_url()
    media_type = sniff(audio.data) or audio.media_type or ""
    if not media_type.startswith("audio/"):
        raise InvalidRequest("The bytes are no sound of a known format (WAV, MP3, M4A, FLAC, Ogg, WebM).")
    return AudioPart(data=audio.data, media_type=media_type).data_url()


def _plain(response: HttpResponse) -> str:
    """A file of words."""
    try:
        return response.body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise AnswerError("The answer is no text.", head=response.body[:200]) from None


def _segments(rows: Any) -> list[Segment]:
    """Stretches with their times: those that have both."""
    found = []
    for row in rows if isinstance(rows, list) else ():
        times = row.get("timestamp") if isinstance(row, Mapping) else None
        if isinstance(times, list) and len(times) == 2 and all(isinstance(time, int | float) for time in times):
            found.append(Segment(float(times[0]), max(float(times[0]), float(times[1])), str(row.get("text") or "").strip()))
    return sorted(found, key=lambda segment: segment.start)


def _for_fal(request: TranscriptionRequest) -> Mapping[str, Any]:
    return {
        "language": request.language,
        "prompt": request.prompt,
        "task": "translate" if request.translate else None,
        "chunk_level": "segment" if request.timestamps else None,
    }


def _for_replicate(request: TranscriptionRequest) -> Mapping[str, Any]:
    return {"language": request.language, "translate": True if request.translate else None}


def _itself(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return said


def _output(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Replicate's models give: a text, a list with one, or an object with one of several names for it."""
    output = said.get("output")
    first = output[0] if isinstance(output, list) and output else output
    if isinstance(first, str):
        return {"text": first}
    if not isinstance(first, Mapping):
        return {}
    texts = [first[name] for name in ("translation", "transcription", "text") if isinstance(first.get(name), str)]
    return {**first, **({"text": texts[0]} if texts else {})}


fal = Ear(lambda served: served.id, _for_fal, lambda _, address, given: {"audio_url": address, **given}, _itself)
replicate = Ear(
    predictions,
    _for_replicate,
    lambda served, address, given: predicted(served, {"audio": address, **given}),
    _output,
    jobs.replicate,
    jobs.HELD_OPEN,
)
