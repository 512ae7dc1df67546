"""A plugin for tests: a model of every kind behind ``POST URL/NAME``, which answers ``{"text": ...}`` or server-sent events."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from modelhub.interfaces.content import TextPart
from modelhub.interfaces.embedding import EmbeddingResponse
from modelhub.interfaces.events import TextDelta
from modelhub.interfaces.image import GeneratedImage, ImageResponse
from modelhub.interfaces.reranking import Ranked, RerankingResponse
from modelhub.interfaces.speech import AudioDelta, SpeechResponse
from modelhub.interfaces.text import TextResponse
from modelhub.interfaces.transcription import TranscriptionResponse
from modelhub.plugin import (
    Finished,
    HttpModel,
    HttpRequest,
    HttpResponse,
    ModelCard,
    ModelhubError,
    Provider,
    Secret,
    SseDecoder,
    StreamBroken,
    fault,
    hookimpl,
)
from modelhub.transport.credentials import Bearer, Plain


@dataclass(frozen=True)
class Options:
    url: str
    api_key: Secret = Plain("sk-parrot")


@hookimpl
def modelhub_provider() -> Provider:
    kinds = ("text", "embedding", "image", "speech", "transcription", "reranking")
    return Provider(name="parrot", kinds={kind: f"modelhub_parrot:{kind}" for kind in kinds}, options="modelhub_parrot:Options")


Answer = Callable[[str], Any]


@dataclass(frozen=True)
class Endpoint:
    name: str
    options: Options
    kind: Any
    answer: Answer
    delta: Callable[[str], Any] = TextDelta

    @property
    def card(self) -> ModelCard:
        blind = {"images": False} if "blind" in self.name else {}
        return ModelCard(model=f"parrot:{self.name}", kind=self.kind, capabilities=blind)

    def build(self, request: Any, *, stream: bool) -> HttpRequest:
        knobs = {name: value for name, value in request.settings().items() if isinstance(value, str | int | float)}
        asked = [message.text for message in getattr(request, "messages", ())]
        body = json.dumps({"stream": stream, "asked": asked, **knobs}, ensure_ascii=False).encode()
        headers: dict[str, str | Secret] = {"authorization": Bearer(self.options.api_key)}
        return HttpRequest("POST", f"{self.options.url}/{self.name}", headers, body)

    def parse(self, response: HttpResponse) -> Any:
        return self.answer(json.loads(response.body)["text"])

    def decoder(self) -> Decoder:
        return Decoder(self)

    def fault(self, response: HttpResponse) -> ModelhubError:
        return fault(response, provider="parrot", model=self.name)


class Decoder:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._events = SseDecoder()
        self._text, self._done = "", False

    def feed(self, data: bytes) -> Iterable[Any]:
        for event in self._events.feed(data):
            if event.name == "error":
                raise fault(HttpResponse(0, body=event.data.encode()), provider="parrot", model=self._endpoint.name)
            if event.data == "[DONE]":
                self._done = True
            else:
                self._text += event.data
                yield self._endpoint.delta(event.data)

    def close(self) -> Iterable[Any]:
        if not self._done:
            raise StreamBroken("No [DONE] came.", partial=self.partial())
        return [Finished(self.partial())]

    def partial(self) -> Any:
        return self._endpoint.answer(self._text)


def _sound(text: str) -> AudioDelta:
    return AudioDelta(text.encode())


def text(name: str, options: Options) -> Any:
    return HttpModel(
        Endpoint(name, options, "text", lambda said: TextResponse(content=(TextPart(said),), finish_reason="stop"))
    )


def embedding(name: str, options: Options) -> Any:
    one = struct.pack("<2f", 1.0, 0.0)
    return HttpModel(Endpoint(name, options, "embedding", lambda _: EmbeddingResponse(buffer=one, count=1, dimensions=2)))


def image(name: str, options: Options) -> Any:
    drawn = GeneratedImage(data=b"\x89PNG\r\n\x1a\n")
    return HttpModel(Endpoint(name, options, "image", lambda _: ImageResponse(images=(drawn,))))


def speech(name: str, options: Options) -> Any:
    return HttpModel(Endpoint(name, options, "speech", lambda said: SpeechResponse(audio=said.encode()), _sound))


def transcription(name: str, options: Options) -> Any:
    return HttpModel(Endpoint(name, options, "transcription", lambda said: TranscriptionResponse(text=said)))


def reranking(name: str, options: Options) -> Any:
    first = RerankingResponse(ranking=(Ranked(index=0, score=1.0),))
    return HttpModel(Endpoint(name, options, "reranking", lambda _: first))
