"""The starter plugin against the laws that every plugin keeps, in both runtimes."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from modelhub.plugin import AudioPart, Message, Passage, Span, SpeechRequest, TextRequest, TranscriptionRequest
from modelhub.testing import (
    EmbeddingConformance,
    FakeRuntime,
    ImageConformance,
    PluginConformance,
    RerankingConformance,
    SpeechConformance,
    TextConformance,
    TranscriptionConformance,
)
from modelhub.transport.drive import drive

needs_speech = pytest.mark.skipif(
    not (importlib.util.find_spec("espeakng_loader") and importlib.util.find_spec("pocketsphinx")),
    reason='the extra is not installed: pip install "modelhub-starter[speech]"',
)
TEXT = "鍵は毎月更新します。更新には管理者の権限が要ります。\nKeys are rotated monthly. Rotation needs an administrator."


class TestPlugin(PluginConformance):
    provider = "starter"


class TestQuoteWithoutPassages(TextConformance):
    model_id = "starter:quote"


class TestQuote(TextConformance):
    model_id = "starter:quote"

    def request(self) -> TextRequest:
        passage = Passage("p1", TEXT, "keys.md", Span(40, 40 + len(TEXT), 3, 4), version="v1")
        return TextRequest(messages=(Message("user", "鍵はいつ更新しますか？ When are keys rotated?"),), passages=(passage,))


class TestPassage(TestQuote):
    model_id = "starter:passage"


class TestHash(EmbeddingConformance):
    model_id = "starter:hash"


class TestOverlap(RerankingConformance):
    model_id = "starter:overlap"


class TestPlaceholder(ImageConformance):
    model_id = "starter:placeholder"


@needs_speech
class TestEspeak(SpeechConformance):
    model_id = "starter:espeak"
    knobs = {**SpeechConformance.knobs, "voice": "en-gb"}  # noqa: RUF012  # a ClassVar of the class above


@needs_speech
class TestCommands(TranscriptionConformance):
    model_id = "starter:commands"
    knobs = {  # noqa: RUF012
        "language": "en-US",
        "prompt": "天気",
        "phrases": ("open the door", "turn on the light"),
        "temperature": 0.25,
    }

    def request(self) -> TranscriptionRequest:
        return TranscriptionRequest(audio=spoken("turn on the light"), phrases=("turn on the light", "open the door"))

    def having(self, setting: str) -> TranscriptionRequest:
        return replace(self.request(), **{setting: self.knobs[setting]})


@cache
def spoken(text: str) -> AudioPart:
    from modelhub_starter.speech import model

    response: Any = drive(model("espeak", None).call(SpeechRequest(text=text), FakeRuntime()))
    return AudioPart(data=response.audio)
