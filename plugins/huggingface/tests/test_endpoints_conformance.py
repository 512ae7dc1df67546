"""Every kind on every server that has it, over a scripted endpoint, against the laws that every model keeps; both runtimes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from scripted_endpoint import ScriptedEndpoint
from scripted_words import wav

from modelhub.plugin import (
    AudioPart,
    ImageRequest,
    Message,
    OutputType,
    RerankingRequest,
    TextRequest,
    TranscriptionRequest,
)
from modelhub.testing import (
    Driven,
    EmbeddingConformance,
    ImageConformance,
    RerankingConformance,
    SpeechConformance,
    TextConformance,
    TranscriptionConformance,
)

LABELS = OutputType("feeling", {"enum": ["positive", "negative"], "type": "string"})


class Scripted:
    """Builds each model on a scripted endpoint of its own."""

    server: ClassVar[Any]
    task: ClassVar[str | None] = None
    does: ClassVar[str] = "text-generation"
    """What the endpoint is for; ``task`` is what the options say of it."""
    more: ClassVar[Mapping[str, Any]] = {}
    model_id = "huggingface:org/tiny"
    options: Mapping[str, Any]

    @pytest.fixture(autouse=True)
    def endpoint(self) -> Iterator[None]:
        with ScriptedEndpoint(self.server, self.task or self.does) as endpoint:
            named = {} if self.task is None else {"task": self.task}
            self.options = {"base_url": endpoint.url, "server": self.server, **named, **self.more}
            yield


class Open:
    """A model of which the card leaves something open, since the server alone knows: that goes over the wire as it is."""

    def needing(self) -> Mapping[str, Any]:
        card = self.model().card  # type: ignore[attr-defined]
        asked = super().needing()  # type: ignore[misc]
        return {word: request for word, request in asked.items() if card.supports(word) is not None}


class TestChatOnTgi(Scripted, Open, TextConformance):
    server = "tgi"


class TestChatOnAnOpenAILikeServer(Scripted, TextConformance):
    server = "openai"

    def test_nothing_is_dropped_in_silence(self, runtime: Driven) -> None:
        """What an unknown server heeds is not known: all goes over the wire, where `test_endpoints_text` reads it."""
        assert self.model().card.settings is None


class TestPlainCompletionOnTgi(Scripted, TextConformance):
    server = "tgi"
    more: ClassVar[Mapping[str, Any]] = {"prompt": "plain"}


class TestPlainCompletionOnAnOpenAILikeServer(Scripted, TextConformance):
    server = "openai"
    more: ClassVar[Mapping[str, Any]] = {"prompt": "plain"}


class TestSummarizationOnTgi(Scripted, TextConformance):
    server = "tgi"
    task = "summarization"


class TestContinuation(Scripted, TextConformance):
    server = "plain"
    task = "text-generation"


class TestSummarization(Scripted, TextConformance):
    server = "plain"
    task = "summarization"


class TestTranslation(Scripted, TextConformance):
    server = "plain"
    task = "translation"


class TestTextToText(Scripted, TextConformance):
    server = "plain"
    task = "text2text-generation"


class TestFillMask(Scripted, TextConformance):
    server = "plain"
    task = "fill-mask"

    def request(self) -> TextRequest:
        return TextRequest(messages=(Message("user", "日本の首都は[MASK]です。"),))


class Labelled(TextConformance):
    """Classifiers answer with a label: of the types, those that leave a choice."""

    def needing(self) -> Mapping[str, TextRequest]:
        return {**super().needing(), "structured_output": replace(self.request(), output=LABELS)}


class TestTextClassification(Scripted, Labelled):
    server = "plain"
    task = "text-classification"


class TestTextClassificationOnTei(Scripted, Labelled):
    server = "tei"
    task = "text-classification"


class TestZeroShot(Scripted, Labelled):
    server = "plain"
    task = "zero-shot-classification"

    def request(self) -> TextRequest:
        return replace(super().request(), output=LABELS)


class TestQuestionAnswering(Scripted, TextConformance):
    server = "plain"
    task = "question-answering"

    def request(self) -> TextRequest:
        return TextRequest(messages=(Message("user", "東京の天気は雨です。京都は晴れです。\n\n東京の天気は？"),))


class TestVectorsOfTei(Scripted, EmbeddingConformance):
    server = "tei"


class TestVectorsOfAnOpenAILikeServer(Scripted, EmbeddingConformance):
    server = "openai"

    def test_nothing_is_dropped_in_silence(self, runtime: Driven) -> None:
        """What an unknown server heeds is not known: all goes over the wire."""
        assert self.model().card.settings is None


class TestFeatureExtraction(Scripted, EmbeddingConformance):
    server = "plain"
    does = "feature-extraction"


class TestRankingOfTei(Scripted, RerankingConformance):
    server = "tei"
    does = "text-ranking"


class TestRankingOfAnOpenAILikeServer(Scripted, RerankingConformance):
    server = "openai"


class TestSimilarity(Scripted, RerankingConformance):
    server = "plain"
    does = "sentence-similarity"


class TestTextRanking(Scripted, RerankingConformance):
    server = "plain"
    task = "text-ranking"


class TestPairs(Scripted, RerankingConformance):
    server = "plain"
    task = "text-classification"


class TestLabelsInOrder(Scripted, RerankingConformance):
    server = "plain"
    task = "zero-shot-classification"

    def request(self) -> RerankingRequest:
        return RerankingRequest(query="最高の一日でした。 What a day!", documents=("positive", "negative", "天気"))


class TestTextToImage(Scripted, ImageConformance):
    server = "plain"
    does = "text-to-image"
    knobs: ClassVar[Mapping[str, Any]] = {**ImageConformance.knobs, "size": (64, 64)}


class Changed(Scripted, ImageConformance):
    """A picture that starts from another."""

    server = "plain"
    knobs: ClassVar[Mapping[str, Any]] = {**ImageConformance.knobs, "size": (64, 64)}

    def needing(self) -> Mapping[str, ImageRequest]:
        bare = ImageRequest(prompt="雪 snow", images=ImageConformance().needing()["edit"].images)
        masked = replace(bare, operation="edit", mask=bare.images[0])
        return {
            "generate": replace(bare, images=()),
            "edit": replace(bare, operation="edit"),
            "mask": masked,
            "variation": replace(bare, operation="variation", prompt=""),
            "upscale": replace(bare, operation="upscale", prompt="", scale=2),
        }


class TestImageToImage(Changed):
    task = "image-to-image"

    def request(self) -> ImageRequest:
        return self.needing()["edit"]


class TestUpscaling(Changed):
    task = "upscaling"

    def request(self) -> ImageRequest:
        return replace(self.needing()["upscale"], scale=None)


class TestPicturesOfAnOpenAILikeServer(Scripted, Open, ImageConformance):
    server = "openai"


class TestTextToSpeech(Scripted, SpeechConformance):
    server = "plain"
    does = "text-to-speech"


class TestSpeechOfAnOpenAILikeServer(Scripted, SpeechConformance):
    server = "openai"


class TestRecognition(Scripted, TranscriptionConformance):
    server = "plain"
    does = "automatic-speech-recognition"

    def request(self) -> TranscriptionRequest:
        return TranscriptionRequest(audio=AudioPart(data=wav(0.2)))


class TestRecognitionOfAnOpenAILikeServer(Scripted, TranscriptionConformance):
    server = "openai"

    def test_nothing_is_dropped_in_silence(self, runtime: Driven) -> None:
        """What an unknown server can do is not known: all goes over the wire."""
        assert not self.model().card.capabilities
