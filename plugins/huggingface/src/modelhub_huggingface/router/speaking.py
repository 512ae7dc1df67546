"""Sounds from a provider that puts them somewhere: asked for in its form, waited for where they are a job, and fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Never

from modelhub.plugin import (
    AnswerError,
    Decoder,
    FollowUp,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    SpeechModel,
    SpeechRequest,
    SpeechResponse,
    Unsupported,
    Usage,
    read_wav,
    sniff,
)
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router import jobs
from modelhub_huggingface.router.predictions import outputs, predicted, predictions
from modelhub_huggingface.router.served import Served
from modelhub_huggingface.whole import Whole

__all__ = ["Speaking", "fal", "replicate"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A provider's form: where a request goes and what it holds, what of an answer is a job, and where its sound is.

    Called as a row of the providers' table is, it makes the model.
    """

    path: Callable[[Served], str]
    body: Callable[[Served, Mapping[str, Any]], Mapping[str, Any]]
    sounds: Callable[[Mapping[str, Any]], list[str]]
    job: Callable[[Mapping[str, Any], Served], FollowUp | None] = jobs.inline
    headers: Mapping[str, str] | None = None

    def __call__(self, served: Served, options: HuggingFaceOptions) -> SpeechModel:
        return Whole(HttpModel(Speaking(served, self, options.arguments)))


@dataclass(frozen=True)
class Speaking:
    """One voice at one provider. What kind of sound it is, its bytes tell."""

    served: Served
    voice: Voice
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def card(self) -> ModelCard:
        return self.served.card("speech")

    def build(self, request: SpeechRequest, *, stream: bool) -> HttpRequest:  # noqa: ARG002  # `Whole` never streams
        given = {"voice": request.voice, "speed": request.speed}
        fields = {"text": request.text, **self.arguments, **{name: value for name, value in given.items() if value is not None}}
        body = self.voice.body(self.served, {**fields, **request.extra.get(self.served.provider, {})})
        return self.served.json(self.voice.path(self.served), body, self.voice.headers)

    def follow(self, response: HttpResponse) -> FollowUp | None:
        """The next question about a job, or the way to the sound."""
        said = jobs.told(response)
        if said is None:
            return None
        return self.voice.job(said, self.served) or jobs.delivery(self.served, self.voice.sounds(said))

    def parse(self, response: HttpResponse) -> SpeechResponse:
        media_type = sniff(response.body) or ""
        if not media_type.startswith("audio/"):
            raise AnswerError("The answer is no sound of a known format.", head=response.body[:200])
        wav = read_wav(response.body)
        return SpeechResponse(
            audio=response.body,
            media_type=media_type,
            sample_rate=wav.form.rate if wav else None,
            duration=wav.seconds if wav else None,
            model=self.served.model,
        )

    def completed(self, request: SpeechRequest, response: SpeechResponse) -> SpeechResponse:
        """The letters that were spoken: most such providers charge for these."""
        return replace(response, usage=Usage(characters=len(request.text) or None, source="estimated"))

    def decoder(self) -> Decoder[Never]:
        raise Unsupported("Such a sound comes whole.", feature="stream")

    def fault(self, response: HttpResponse) -> ModelhubError:
        return self.served.fault(response, self.served.model)


def _audio(said: Mapping[str, Any]) -> list[str]:
    """The address of a sound."""
    audio = said.get("audio")
    address = audio.get("url") if isinstance(audio, Mapping) else audio
    return [address] if isinstance(address, str) else []


fal = Voice(lambda served: served.id, lambda _, fields: fields, _audio)
replicate = Voice(predictions, predicted, outputs, jobs.replicate, jobs.HELD_OPEN)
