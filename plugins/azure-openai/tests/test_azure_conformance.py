"""Every kind of the plugin against the laws that every model keeps, in both runtimes, and the cards of a resource."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from modelhub_azure_openai.models import embedding, image, speech, text, transcription
from modelhub_azure_openai.options import AzureOptions, Deployment

import modelhub
from modelhub.plugin import (
    ContentFiltered,
    ContextOverflow,
    KeyRefused,
    RateLimited,
    TextRequest,
    Tool,
    TranscriptionRequest,
    UnknownModel,
)
from modelhub.testing import (
    EmbeddingEndpointConformance,
    FaultServer,
    ImageEndpointConformance,
    PluginConformance,
    Recording,
    Reply,
    SpeechEndpointConformance,
    TextEndpointConformance,
    TranscriptionEndpointConformance,
    sse,
)
from modelhub.testing.conformance.samples import sound

DEPLOYMENTS: Mapping[str, str | Deployment] = {
    "本番-gpt": Deployment(model="gpt-4o", version="2024-11-20"),
    "thinker": "o4-mini",
    "vectors": "text-embedding-3-small",
    "painter": "gpt-image-1",
    "older-painter": Deployment(model="dall-e-3", version="3.0"),
    "reader": "gpt-4o-mini-tts",
    "listener": "gpt-4o-transcribe",
    "whisper": Deployment(model="whisper", version="001"),
}
FAULTS = (
    (400, {"error": {"code": "content_filter", "message": "Filtered.", "param": "prompt"}}, ContentFiltered),
    (400, {"error": {"code": "context_length_exceeded", "message": "maximum context length is 8192 tokens"}}, ContextOverflow),
    (401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}, KeyRefused),
    (403, {"error": {"code": "AuthenticationTypeDisabled", "message": "Key based authentication is disabled"}}, KeyRefused),
    (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}, UnknownModel),
    (404, {"error": {"code": "404", "message": "Resource not found"}}, UnknownModel),
    (429, {"error": {"code": "429", "message": "Please retry after 26 seconds."}}, RateLimited),
)
WEATHER = Tool("weather", "The weather of a place: 天気", {"type": "object", "properties": {"place": {"type": "string"}}})
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
PROMPT = [{"prompt_index": 0, "content_filter_results": SAFE}]
COUNTED = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


def encoded(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


def streamed(*said: Any) -> bytes:
    return b"".join(sse([*said, "[DONE]"]))


def chunk(*choices: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "model": "gpt-4o-2024-11-20",
        "choices": choices,
        "usage": None,
        **more,
    }


CHAT = Recording(
    name="filtered",
    request={"model": "本番-gpt"},
    response=encoded(
        {
            "id": "c1",
            "model": "gpt-4o-2024-11-20",
            "prompt_filter_results": PROMPT,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "こんにちは！", "refusal": None},
                    "finish_reason": "stop",
                    "logprobs": None,
                    "content_filter_results": SAFE,
                }
            ],
            "usage": COUNTED,
        }
    ),
    chunks=streamed(
        {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": PROMPT},
        chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None, "content_filter_results": {}}),
        chunk({"index": 0, "delta": {"content": "こん"}, "finish_reason": None, "content_filter_results": SAFE}),
        chunk({"index": 0, "delta": {"content": "にちは！"}, "finish_reason": None, "content_filter_results": SAFE}),
        {"id": "", "object": "", "model": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_results": SAFE}]},
        chunk({"index": 0, "delta": {}, "finish_reason": "stop", "content_filter_results": {}}),
        {**chunk(), "usage": COUNTED},
    ),
    answer={
        "text": "こんにちは！",
        "finish_reason": "stop",
        "model": "gpt-4o-2024-11-20",
        "usage": {"input_tokens": 5, "output_tokens": 3},
        "provider_metadata": {"content_filter": {"prompt": SAFE, "completion": SAFE}},
    },
)


class Azure:
    """An endpoint of a resource, as a hub has it."""

    secret: ClassVar[Any]
    model_id: ClassVar[str]
    api_version: ClassVar[str | None] = None
    api: ClassVar[Any] = "chat"
    made: ClassVar[Any]

    def endpoint(self) -> Any:
        options = AzureOptions(
            resource="my-res", api_key=self.secret, deployments=DEPLOYMENTS, api_version=self.api_version, api=self.api
        )
        return type(self).made(self.model_id.partition(":")[2], options).endpoint


class TestPlugin(PluginConformance):
    provider = "azure-openai"


class TestChat(Azure, TextEndpointConformance):
    model_id = "azure-openai:本番-gpt"
    recordings = (CHAT,)
    faults = FAULTS
    made = staticmethod(text)

    def having(self, setting: str) -> TextRequest:
        """Calls side by side are a matter of tools."""
        request = super().having(setting)
        return replace(request, tools=(WEATHER,)) if setting == "parallel_tool_calls" else request


class TestChatOfADatedVersion(TestChat):
    api_version = "2024-10-21"


class TestReasoningModel(TestChat):
    model_id = "azure-openai:thinker"
    recordings = (replace(CHAT, request={"model": "thinker"}),)


class TestUntoldDeployment(TestChat):
    model_id = "azure-openai:what-is-it"
    recordings = (replace(CHAT, request={"model": "what-is-it"}),)


RESPONSE = {
    "id": "r1",
    "object": "response",
    "status": "completed",
    "model": "gpt-4o-2024-11-20",
    "output": [
        {
            "type": "message",
            "id": "m1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "はい。", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8},
    "content_filters": [
        {"blocked": False, "source_type": "prompt", "content_filter_results": SAFE},
        {"blocked": False, "source_type": "completion", "content_filter_results": SAFE},
    ],
}
PLACE = {"item_id": "m1", "output_index": 0, "content_index": 0}


class TestResponses(TestChat):
    api = "responses"
    recordings = (
        Recording(
            name="filtered",
            request={"model": "本番-gpt", "store": False},
            response=encoded(RESPONSE),
            chunks=b"".join(
                sse(
                    [
                        (
                            "response.created",
                            {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
                        ),
                        ("response.output_text.delta", {"type": "response.output_text.delta", "delta": "はい", **PLACE}),
                        ("response.output_text.delta", {"type": "response.output_text.delta", "delta": "。", **PLACE}),
                        ("response.completed", {"type": "response.completed", "response": RESPONSE}),
                    ]
                )
            ),
            answer={"text": "はい。", "finish_reason": "stop", "usage": {"input_tokens": 5}},
        ),
    )


def vector(place: int) -> str:
    return base64.b64encode(struct.pack("<1536f", *[place + 0.5] * 1536)).decode()


class TestEmbeddings(Azure, EmbeddingEndpointConformance):
    model_id = "azure-openai:vectors"
    made = staticmethod(embedding)
    recordings = (
        Recording(
            name="three",
            request={"model": "vectors"},
            response=encoded(
                {
                    "data": [{"index": place, "embedding": vector(place)} for place in range(3)],
                    "model": "text-embedding-3-small",
                    "usage": {"prompt_tokens": 5, "total_tokens": 5},
                }
            ),
            answer={"count": 3, "dimensions": 1536, "usage": {"input_tokens": 5}},
        ),
    )
    faults = FAULTS


PNG = b"\x89PNG\r\n\x1a\n" + zlib.compress(b"a picture")
PICTURE = base64.b64encode(PNG).decode()
USED = {"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210}


class TestImages(Azure, ImageEndpointConformance):
    model_id = "azure-openai:painter"
    made = staticmethod(image)
    knobs = {**ImageEndpointConformance.knobs, "size": (1024, 1536)}  # noqa: RUF012  # a ClassVar of the class above
    recordings = (
        Recording(
            name="picture",
            request={"model": "painter"},
            response=encoded({"created": 1, "data": [{"b64_json": PICTURE}], "usage": USED}),
            chunks=b"".join(
                sse(
                    [
                        {"type": "image_generation.partial_image", "b64_json": PICTURE, "partial_image_index": 0},
                        {"type": "image_generation.completed", "b64_json": PICTURE, "usage": USED},
                    ]
                )
            ),
            answer={"images": [{"media_type": "image/png"}], "usage": {"input_tokens": 50, "output_tokens": 4160}},
        ),
    )
    faults = ((400, {"created": 1, "error": {"code": "contentFilter", "message": "Your task failed."}}, ContentFiltered),)

    def comparable(self, response: Any) -> Any:
        return replace(response, raw=None)


MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x05abcde" + (b"\xff\xfb\x90\x00" + bytes(range(256)) + bytes(157)) * 3


class TestSpeech(Azure, SpeechEndpointConformance):
    model_id = "azure-openai:reader"
    made = staticmethod(speech)
    knobs: ClassVar[Mapping[str, Any]] = {**SpeechEndpointConformance.knobs, "voice": "nova"}
    recordings = (
        Recording(
            name="mp3",
            request={"model": "reader"},
            response=MP3,
            response_type="audio/mpeg",
            chunks=MP3,
            chunks_type="audio/mpeg",
            answer={"audio": MP3, "media_type": "audio/mpeg"},
        ),
    )
    faults = FAULTS


SAID = {
    "text": "鍵は毎月更新します。",
    "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59},
}


class TestTranscription(Azure, TranscriptionEndpointConformance):
    model_id = "azure-openai:listener"
    made = staticmethod(transcription)
    recordings = (
        Recording(
            name="short",
            response=encoded(SAID),
            chunks=b"".join(
                sse(
                    [
                        {"type": "transcript.text.delta", "delta": "鍵は"},
                        {"type": "transcript.text.delta", "delta": "毎月更新します。"},
                        {"type": "transcript.text.done", **SAID},
                    ]
                )
            ),
            answer={"text": SAID["text"], "usage": {"input_tokens": 14, "output_tokens": 45}},
        ),
    )
    faults = FAULTS


def configured(server: FaultServer, **more: Any) -> dict[str, Any]:
    deployments = {
        "prod-4o": {"model": "gpt-4o", "version": "2024-11-20"},
        "turbo": "gpt-35-turbo",
        "short": {"model": "text-embedding-3-small", "version": "1", "name": "prod embeddings/1"},
        "listener": "whisper",
    }
    return {"providers": {"azure-openai": {"endpoint": server.url, "api_key": "a-key", "deployments": deployments, **more}}}


def test_a_deployment_has_the_card_limits_and_price_of_its_base_model() -> None:
    with FaultServer() as server, modelhub.Hub(configured(server)) as hub:
        card = hub.text("azure-openai:prod-4o").card
        assert (card.model, card.context_window) == ("azure-openai:prod-4o", 128_000)
        assert card.price is not None
        assert hub.embedding("azure-openai:short").card.dimensions == 1536
        assert hub.transcription("azure-openai:listener").card.limits["audio_bytes"] == 25 * 1024 * 1024
        older = hub.text("azure-openai:turbo").card
        assert older.context_window == 16_385
        untold = hub.text("azure-openai:gpt-4o").card
        assert untold.price is None, "the name of a deployment proves nothing, least of all a price"


def test_a_name_of_ones_own_reaches_the_deployment() -> None:
    """What a model id calls a deployment may differ from what the resource calls it: in the path, the body and a form."""
    vectors = {"data": [{"index": 0, "embedding": vector(0)}], "model": "text-embedding-3-small"}
    with FaultServer(Reply(json=vectors)) as server:
        for version in ("2024-10-21", "v1"):
            with modelhub.Hub(configured(server, api_version=version)) as hub:
                hub.embedding("azure-openai:short").embed(["東京"])
        assert [request.path for request in server.requests] == [
            "/openai/deployments/prod%20embeddings%2F1/embeddings?api-version=2024-10-21",
            "/openai/v1/embeddings",
        ]
        assert {request.json()["model"] for request in server.requests} == {"prod embeddings/1"}


def test_a_form_names_the_deployment_too() -> None:
    options = AzureOptions(
        resource="my-res", deployments={"ears": Deployment(model="whisper", name="prod-whisper")}, api_version="v1"
    )
    built = transcription("ears", options).endpoint.build(TranscriptionRequest(audio=sound()), stream=False)  # type: ignore[attr-defined]
    assert b'name="model"\r\n\r\nprod-whisper\r\n' in built.body
    assert built.url == "https://my-res.openai.azure.com/openai/v1/audio/transcriptions?api-version=preview"


MODELS = {
    "object": "list",
    "data": [
        {"id": "gpt-4o-2024-11-20", "status": "succeeded", "capabilities": {"inference": True, "chat_completion": True}},
        {"id": "text-embedding-3-large", "capabilities": {"inference": True, "embeddings": True}},
        {"id": "davinci-002", "capabilities": {"inference": True, "completion": True}},
        {"id": "gpt-35-turbo-0613", "capabilities": {"inference": False, "fine_tune": True}},
        {"id": "turbo"},
    ],
}


@pytest.mark.parametrize("version", [None, "2024-10-21"])
def test_the_deployments_and_the_base_models_of_a_resource_are_listed(version: str | None) -> None:
    with FaultServer(Reply(json=MODELS)) as server:
        with modelhub.Hub(configured(server, api_version=version)) as hub:
            cards = hub.models("azure-openai")

        async def ask() -> Any:
            async with modelhub.AsyncHub(configured(server, api_version=version)) as hub:
                return await hub.models("azure-openai")

        assert asyncio.run(ask()) == cards
        expected = "/openai/v1/models" if version is None else "/openai/models?api-version=2024-10-21"
        assert {request.path for request in server.requests} == {expected}
        assert server.requests[0].headers["api-key"] == "a-key"
    kinds = {card.model.partition(":")[2]: card.kind for card in cards}
    assert kinds == {
        "prod-4o": "text",
        "turbo": "text",
        "short": "embedding",
        "listener": "transcription",
        "gpt-4o-2024-11-20": "text",
        "text-embedding-3-large": "embedding",
    }
    assert "through a deployment" in cards[-1].description
    assert not cards[0].description
