"""The router's chat endpoint against the laws of endpoints; a model of each kind over a scripted router, in both runtimes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.router.chat import ChatSite, RouterChat
from modelhub_huggingface.router.site import router
from scripted_router import PNG, WAV, ScriptedRouter

from modelhub.plugin import (
    AudioPart,
    BadRequest,
    ContextOverflow,
    ImagePart,
    ImageRequest,
    KeyRefused,
    Message,
    OutputType,
    ProviderDown,
    RateLimited,
    TextRequest,
    TranscriptionRequest,
    UnknownModel,
)
from modelhub.testing import (
    Driven,
    EmbeddingConformance,
    ImageConformance,
    Recording,
    RerankingConformance,
    SpeechConformance,
    TextConformance,
    TextEndpointConformance,
    TranscriptionConformance,
    sse,
)

WORDS = ("こん", "にちは", "、世界", "！\u2028", "👩‍", "🚀\u0085", " Ünïcödé")
HEAD = {"id": "c1", "created": 1, "model": "openai/gpt-oss-20b"}
USAGE = {"prompt_tokens": 21, "completion_tokens": 9, "total_tokens": 30}
CREDITS = {"error": "You have depleted your monthly included credits. Purchase pre-paid credits to continue."}
NOT_SERVED = {
    "error": {
        "message": "The requested model 'x' is not supported by any provider you have enabled.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_supported",
    }
}


def whole(message: Mapping[str, Any], reason: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}, ensure_ascii=False).encode()


def streamed(deltas: list[dict[str, Any]], reason: str) -> bytes:
    chunks = [{**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    end = {**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": USAGE}
    return b"".join(sse([*chunks, end, "[DONE]"]))


CALLS = [
    {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"place": "東京"}'}},
    {"id": "call_b", "type": "function", "function": {"name": "weather", "arguments": '{"place": "Oslo"}'}},
]
CALLED = [
    {"id": "call_a", "name": "weather", "arguments": '{"place": "東京"}'},
    {"id": "call_b", "name": "weather", "arguments": '{"place": "Oslo"}'},
]


class TestChatEndpoint(TextEndpointConformance):
    """AT-C6: Japanese, emoji, U+0085 and U+2028 cut everywhere. AT-C4: calls side by side. AT-E1: the router's own errors."""

    model_id = "huggingface:openai/gpt-oss-20b"
    recordings: ClassVar[Any] = (
        Recording(
            name="greeting",
            request={"model": "openai/gpt-oss-20b:groq"},
            response=whole({"content": "".join(WORDS)}, "stop"),
            chunks=streamed([{"role": "assistant", "content": ""}, *({"content": word} for word in WORDS)], "stop"),
            answer={
                "text": "".join(WORDS),
                "finish_reason": "stop",
                "usage": {"input_tokens": 21, "output_tokens": 9, "source": "provider"},
                "provider_metadata": {"inference_provider": "groq", "bill_to": "own account"},
            },
        ),
        Recording(
            name="tools",
            response=whole({"content": None, "tool_calls": CALLS}, "tool_calls"),
            chunks=streamed([{"tool_calls": [{"index": place, **call}]} for place, call in enumerate(CALLS)], "tool_calls"),
            answer={"finish_reason": "tool_call", "raw_finish_reason": "tool_calls", "tool_calls": CALLED},
        ),
    )
    faults = (
        (401, {"error": "Invalid credentials in Authorization header"}, KeyRefused),
        (402, CREDITS, RateLimited),
        (403, {"error": "This authentication method does not have sufficient permissions"}, KeyRefused),
        (400, NOT_SERVED, UnknownModel),
        (404, {"error": "Not Found"}, UnknownModel),
        (422, {"error": {"message": "max_tokens: must be positive"}}, BadRequest),
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens"}}, ContextOverflow),
        (504, "<html><h1>504</h1><p>Gateway Timeout</p></html>", ProviderDown),
    )

    def endpoint(self) -> RouterChat:
        site = ChatSite(router(HuggingFaceOptions(api_key=self.secret)), "openai/gpt-oss-20b", "groq")
        return RouterChat(site, "openai/gpt-oss-20b")

    def having(self, setting: str) -> TextRequest:
        """Calls side by side are a matter of tools: without any, the setting means nothing."""
        request = super().having(setting)
        return replace(request, tools=self.needing()["tools"].tools) if setting == "parallel_tool_calls" else request


class Scripted:
    """A model as a hub builds it, over a scripted router."""

    more: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def server(cls) -> Iterator[ScriptedRouter]:
        with ScriptedRouter() as router:
            cls.options = {**router.options, **cls.more}  # type: ignore[attr-defined]
            yield router


class Known(Scripted):
    """What a card leaves open, the router alone knows."""

    def needing(self) -> Mapping[str, TextRequest]:
        card = self.model().card  # type: ignore[attr-defined]
        found: Mapping[str, TextRequest] = super().needing()  # type: ignore[misc]
        return {word: request for word, request in found.items() if card.supports(word) is not None}


class TestChat(Known, TextConformance):
    model_id = "huggingface:openai/gpt-oss-20b"


class TestChatAtAProviderOfOnesChoice(TestChat):
    model_id = "huggingface:openai/gpt-oss-20b:together"


class TestSummarization(Scripted, TextConformance):
    model_id = "huggingface:facebook/bart-large-cnn"
    more: ClassVar[dict[str, Any]] = {"task": "summarization"}


class TestASummarizerThatNobodyCalledOne(TestSummarization):
    """Without a task it is asked as a chat model first: what a chat model may be asked is all that its card can tell."""

    more: ClassVar[dict[str, Any]] = {}

    def test_a_setting_that_the_card_names_is_taken_and_any_other_is_a_notice(self, runtime: Driven) -> None:
        """The settings of a chat that a summarizer lacks come back as notices."""
        assert {notice.setting for notice in runtime.call(self.model(), self.having("seed")).notices} == {"seed"}


class TestTranslation(Scripted, TextConformance):
    model_id = "huggingface:Helsinki-NLP/opus-mt-ja-en"
    more: ClassVar[dict[str, Any]] = {"task": "translation"}


class TestFillMask(Scripted, TextConformance):
    model_id = "huggingface:google-bert/bert-base-uncased"
    more: ClassVar[dict[str, Any]] = {"task": "fill-mask"}


class Choosing:
    """A classifier is asked for one of its labels, and not for just any type."""

    labels: ClassVar[tuple[str, ...]] = ("positive", "negative")

    def needing(self) -> Mapping[str, TextRequest]:
        found: dict[str, TextRequest] = dict(super().needing())  # type: ignore[misc]
        output: OutputType[Any] = OutputType("label", {"enum": list(self.labels), "type": "string"})
        return {**found, "structured_output": replace(found["structured_output"], output=output)}


class TestTextClassification(Choosing, Scripted, TextConformance):
    model_id = "huggingface:distilbert/distilbert-base-uncased-finetuned-sst-2-english"
    more: ClassVar[dict[str, Any]] = {"task": "text-classification"}


class TestZeroShotClassification(Choosing, Scripted, TextConformance):
    model_id = "huggingface:MoritzLaurer/mDeBERTa-v3-base-mnli-xnli"
    more: ClassVar[dict[str, Any]] = {"task": "zero-shot-classification"}
    labels: ClassVar[tuple[str, ...]] = ("天気", "sports")

    def request(self) -> TextRequest:
        output: OutputType[Any] = OutputType("label", {"enum": list(self.labels), "type": "string"})
        return replace(super().request(), output=output)


class TestQuestionAnswering(Scripted, TextConformance):
    model_id = "huggingface:deepset/roberta-base-squad2"
    more: ClassVar[dict[str, Any]] = {"task": "question-answering"}

    def request(self) -> TextRequest:
        return TextRequest(messages=(Message("user", "東京は雨です。\n\nWhere does it rain? 世界！ 👩‍🚀 Ünïcödé"),))


class TestPlainGeneration(Scripted, TextConformance):
    model_id = "huggingface:codeparrot/codeparrot-small:hf-inference"
    more: ClassVar[dict[str, Any]] = {"task": "text-generation", "prompt": "plain"}


class TestPlainCompletion(Scripted, TextConformance):
    model_id = "huggingface:bigcode/starcoder2-3b:featherless-ai"
    more: ClassVar[dict[str, Any]] = {"prompt": "plain"}


class TestEmbedding(Scripted, EmbeddingConformance):
    model_id = "huggingface:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2:hf-inference"


class TestEmbeddingInTheDialect(Scripted, EmbeddingConformance):
    model_id = "huggingface:BAAI/bge-m3:together"


class TestSentenceSimilarity(Scripted, RerankingConformance):
    model_id = "huggingface:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"


class TestLabelsInOrder(Scripted, RerankingConformance):
    model_id = "huggingface:MoritzLaurer/mDeBERTa-v3-base-mnli-xnli"


class Single(Scripted):
    """One picture at a time: a hub makes several calls of one for several."""

    knobs: ClassVar[dict[str, Any]] = {name: value for name, value in ImageConformance.knobs.items() if name != "count"}

    def test_the_card_speaks_the_words_of_requests(self) -> None:
        assert self.model().card.settings <= ImageConformance.knobs.keys()  # type: ignore[attr-defined]


class TestPainting(Single, ImageConformance):
    model_id = "huggingface:stable-diffusion-v1-5/stable-diffusion-v1-5"
    more: ClassVar[dict[str, Any]] = {"task": "text-to-image"}


class TestPaintingSomewhereElse(TestPainting):
    model_id = "huggingface:stable-diffusion-v1-5/stable-diffusion-v1-5:fal-ai"


class TestEditing(Single, ImageConformance):
    model_id = "huggingface:black-forest-labs/FLUX.1-Kontext-dev:together"
    more: ClassVar[dict[str, Any]] = {"task": "image-to-image"}

    def request(self) -> ImageRequest:
        return ImageRequest(operation="edit", images=(ImagePart(data=PNG),), prompt="夜の灯台 at night")


class TestSpeaking(Scripted, SpeechConformance):
    model_id = "huggingface:facebook/mms-tts-eng:hf-inference"


class TestSpeakingSomewhereElse(Scripted, SpeechConformance):
    model_id = "huggingface:hexgrad/Kokoro-82M:fal-ai"


class TestSpeakingInTheDialect(Scripted, SpeechConformance):
    model_id = "huggingface:hexgrad/Kokoro-82M:deepinfra"


class Heard(Scripted):
    def request(self) -> TranscriptionRequest:
        return TranscriptionRequest(audio=AudioPart(data=WAV))


class TestTranscription(Heard, TranscriptionConformance):
    model_id = "huggingface:openai/whisper-tiny:hf-inference"


class TestTranscriptionSomewhereElse(Heard, TranscriptionConformance):
    model_id = "huggingface:openai/whisper-large-v3:fal-ai"


class TestTranscriptionInTheDialect(Heard, TranscriptionConformance):
    model_id = "huggingface:openai/whisper-large-v3:deepinfra"
