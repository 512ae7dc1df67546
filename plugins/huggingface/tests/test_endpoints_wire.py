"""TGI's and TEI's own operations against the laws of endpoints: what they write, read, refuse, and never show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from modelhub_huggingface.endpoints.cards import card
from modelhub_huggingface.endpoints.chat import EndpointChat
from modelhub_huggingface.endpoints.completions import Completions
from modelhub_huggingface.endpoints.generate import Generate
from modelhub_huggingface.endpoints.server import Kept, Server, server
from modelhub_huggingface.endpoints.tei_embedding import Embed
from modelhub_huggingface.endpoints.tei_reranking import Rerank
from modelhub_huggingface.options import HuggingFaceOptions
from scripted_tgi import tgi_events

from modelhub.plugin import (
    BadRequest,
    ContextOverflow,
    KeyRefused,
    ModelLoading,
    ProviderDown,
    RateLimited,
    Secret,
    TextRequest,
    Tool,
    UnknownModel,
    Unsupported,
)
from modelhub.testing import (
    EmbeddingEndpointConformance,
    PluginConformance,
    Recording,
    RerankingEndpointConformance,
    TextEndpointConformance,
    sse,
)

TEXT = "こんにちは、世界！\u2028👩‍🚀\u0085 Ünïcödé"
WORDS = ("こん", "にちは", "、世界", "！\u2028", "👩‍", "🚀\u0085", " Ünïcödé")
WEATHER = Tool("weather", "天気", {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]})
TGI_FAULTS = (
    (
        422,
        {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2049", "error_type": "validation"},
        ContextOverflow,
    ),
    (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1500 `inputs` tokens",
            "error_type": "validation",
        },
        ContextOverflow,
    ),
    (422, {"error": "Input validation error: `top_p` must be > 0.0 and < 1.0", "error_type": "validation"}, BadRequest),
    (422, {"error": "Template error: template not found", "error_type": "template_error"}, BadRequest),
    (422, {"error": "Tool error: Tool with name x not found", "error_type": "tool_error"}, BadRequest),
    (422, "Failed to deserialize the JSON body into the target type: missing field `messages` at line 1 column 2", BadRequest),
    (
        424,
        {"error": "Request failed during generation: Server error: CUDA out of memory", "error_type": "generation"},
        ProviderDown,
    ),
    (429, {"error": "Model is overloaded", "error_type": "overloaded"}, RateLimited),
    (500, {"error": "Incomplete generation", "error_type": "incomplete_generation"}, ProviderDown),
    (503, {"error": "unhealthy", "error_type": "healthcheck"}, ProviderDown),
    # the proxy before it
    (503, "", ModelLoading),
    (503, {"error": "503 Service Unavailable"}, ModelLoading),
    (503, "<html><head><title>503 Service Temporarily Unavailable</title></head></html>", ModelLoading),
    (503, {"error": "Model org/tiny is currently loading", "estimated_time": 20.0}, ModelLoading),
    (502, {"error": "no replicas available"}, ModelLoading),
    (500, {"error": "Endpoint is initializing"}, ModelLoading),
    (503, "no healthy upstream", ModelLoading),
    (400, {"error": "Bad Request: Endpoint is paused, ask a maintainer to restart it"}, BadRequest),
    (401, {"error": "Unauthorized"}, KeyRefused),
    (403, {"error": "Forbidden"}, KeyRefused),
    (404, {"error": "404 Not Found"}, UnknownModel),
    (413, "Payload Too Large", BadRequest),
)
TEI_FAULTS = (
    (413, {"error": "batch size 40 > maximum allowed batch size 32", "error_type": "Validation"}, BadRequest),
    (413, {"error": "`inputs` must have less than 512 tokens. Given: 1003", "error_type": "Validation"}, ContextOverflow),
    (
        413,
        {"error": "`inputs` must have less than 128000 characters. Given: 200000", "error_type": "Validation"},
        ContextOverflow,
    ),
    (
        413,
        {"message": "`inputs` must have less than 512 tokens. Given: 1003", "code": 413, "type": "Validation"},
        ContextOverflow,
    ),
    (400, {"error": "`inputs` cannot be empty", "error_type": "Empty"}, BadRequest),
    (422, {"error": "tokenizer error", "error_type": "Tokenizer"}, BadRequest),
    (424, {"error": "model is not a re-ranker model", "error_type": "Backend"}, Unsupported),
    (424, {"error": "model is not an embedding model", "error_type": "Backend"}, Unsupported),
    (424, {"error": "Inference failed", "error_type": "Backend"}, ProviderDown),
    (429, {"error": "Model is overloaded", "error_type": "Overloaded"}, RateLimited),
    (503, {"error": "unhealthy", "error_type": "Unhealthy"}, ProviderDown),
)


def site(kind: Kept, secret: Secret) -> Server:
    url = "https://x1.us-east-1.aws.endpoints.huggingface.cloud"
    return server(HuggingFaceOptions(base_url=url, server=kind, api_key=secret), kind)


class TestPlugin(PluginConformance):
    provider = "huggingface"


def chat_events(*, usage: bool = True) -> bytes:
    """As TGI streams a chat: no space behind the colon, empty tool calls, usage behind the end."""
    head = {"object": "chat.completion.chunk", "id": "", "created": 1, "model": "org/tiny", "system_fingerprint": "3.3.6"}
    choices: list[Any] = [{"index": 0, "delta": {"role": "assistant", "content": word, "tool_calls": None}} for word in WORDS]
    choices.append({"index": 0, "delta": {"content": ""}, "finish_reason": "stop"})
    events: list[str | Mapping[str, Any]] = [{**head, "choices": [choice]} for choice in choices]
    if usage:
        events.append({**head, "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}})
    return b"".join(sse([*events, "[DONE]"])).replace(b"data: ", b"data:")


class TestTgiChat(TextEndpointConformance):
    """AT-C6, AT-E2: a recorded stream with Japanese, an emoji, U+0085 and U+2028, cut at every byte."""

    model_id = "huggingface:org/tiny"
    faults = TGI_FAULTS
    recordings: ClassVar[Any] = (
        Recording(
            name="greeting",
            request={"model": "org/tiny"},
            response=json.dumps(
                {
                    "model": "org/tiny",
                    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
                    "id": "",
                    "system_fingerprint": "3.3.6",
                }
            ).encode(),
            chunks=chat_events(),
            answer={"text": TEXT, "finish_reason": "stop", "usage": {"input_tokens": 11, "output_tokens": 7}},
        ),
    )

    def endpoint(self) -> EndpointChat:
        return EndpointChat(site("tgi", self.secret), "org/tiny")

    def having(self, setting: str) -> TextRequest:
        request = super().having(setting)
        return replace(request, tools=(WEATHER,)) if setting == "parallel_tool_calls" else request


DETAILS = {"finish_reason": "eos_token", "generated_tokens": 8, "seed": 7}
LISTED = [{"id": 1, "text": word, "logprob": -0.25, "special": False} for word in WORDS]
END = {"id": 2, "text": "</s>", "logprob": -0.5, "special": True}


class TestTgiGenerate(TextEndpointConformance):
    """AT-C2/3, AT-C6: a stream that ends without [DONE] has ended with the event that holds all of its text."""

    model_id = "huggingface:org/tiny"
    faults = TGI_FAULTS
    recordings: ClassVar[Any] = (
        Recording(
            name="greeting",
            request={"parameters": {"details": True, "return_full_text": False}},
            response=json.dumps(
                {"generated_text": TEXT, "details": {**DETAILS, "input_length": 11, "prefill": [], "tokens": [*LISTED, END]}}
            ).encode(),
            chunks=b"".join(
                f"data:{json.dumps(event, ensure_ascii=False)}\n\n".encode()
                for event in (
                    *(
                        {"index": n, "token": token, "generated_text": None, "details": None}
                        for n, token in enumerate(LISTED, 1)
                    ),
                    {"index": 8, "token": END, "generated_text": TEXT, "details": {**DETAILS, "input_length": 11}},
                )
            ),
            answer={
                "text": TEXT,
                "finish_reason": "stop",
                "raw_finish_reason": "eos_token",
                "usage": {"input_tokens": 11, "output_tokens": 8},
                "provider_metadata": {"seed": 7},
            },
        ),
        Recording(
            name="cut",
            chunks=b"".join(
                tgi_events("雨、雨、また雨、", {"finish_reason": "length", "generated_tokens": 3, "input_length": 3}, 2)
            ),
            answer={"text": "雨、雨、また雨、", "finish_reason": "length", "usage": {"output_tokens": 3}},
        ),
    )

    def endpoint(self) -> Generate:
        place = site("tgi", self.secret)
        return Generate(place, "org/tiny", card(place, "org/tiny", "text"))


class TestCompletions(TextEndpointConformance):
    model_id = "huggingface:org/tiny"
    recordings: ClassVar[Any] = (
        Recording(
            name="greeting",
            request={"model": "org/tiny"},
            response=json.dumps(
                {
                    "choices": [{"index": 0, "text": TEXT, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 7},
                }
            ).encode(),
            chunks=b"".join(
                sse(
                    [
                        *({"choices": [{"index": 0, "text": word, "finish_reason": None}]} for word in WORDS),
                        {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
                        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 7}},
                        "[DONE]",
                    ]
                )
            ),
            answer={"text": TEXT, "finish_reason": "stop", "usage": {"input_tokens": 3, "output_tokens": 7}},
        ),
    )

    def endpoint(self) -> Completions:
        place = site("openai", self.secret)
        return Completions(place, "org/tiny", card(place, "org/tiny", "text"))


class TestTeiEmbed(EmbeddingEndpointConformance):
    model_id = "huggingface:org/tiny"
    faults = TEI_FAULTS
    recordings = (
        Recording(
            name="three",
            request={"truncate": False},
            response=b"[[0.5,-1.0],[0.25,2.0],[1e-07,0]]",
            answer={"count": 3, "dimensions": 2, "model": "org/tiny"},
        ),
    )

    def endpoint(self) -> Embed:
        place = site("tei", self.secret)
        return Embed(place, "org/tiny", card(place, "org/tiny", "embedding", settings=frozenset({"dimensions"})))


class TestTeiRerank(RerankingEndpointConformance):
    model_id = "huggingface:org/tiny"
    faults = TEI_FAULTS
    recordings = (
        Recording(
            name="three",
            request={"truncate": False},
            response=b'[{"index":1,"score":0.9},{"index":0,"score":0.25},{"index":2,"score":0.01}]',
            answer={"ranking": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.25}, {"index": 2, "score": 0.01}]},
        ),
    )

    def endpoint(self) -> Rerank:
        place = site("tei", self.secret)
        return Rerank(place, "org/tiny", card(place, "org/tiny", "reranking", settings=frozenset()))
