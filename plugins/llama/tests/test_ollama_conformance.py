"""Ollama's endpoints against the laws that every endpoint keeps, and its models over a scripted server, in both runtimes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from modelhub_llama.ollama.chat import Chat
from modelhub_llama.ollama.embeddings import Embeddings
from modelhub_llama.ollama.plain import Plain
from modelhub_llama.ollama.site import ollama
from modelhub_llama.options import LlamaOptions
from scripted_ollama import ScriptedOllama

from modelhub.plugin import (
    BadRequest,
    ContextOverflow,
    ModelLoading,
    ProviderDown,
    RateLimited,
    TextRequest,
    UnknownModel,
    Unsupported,
)
from modelhub.testing import (
    EmbeddingConformance,
    EmbeddingEndpointConformance,
    Recording,
    TextConformance,
    TextEndpointConformance,
)

HEAD = {"model": "qwen3:0.6b", "created_at": "2026-11-24T00:00:00Z"}
COUNTS = {"prompt_eval_count": 21, "eval_count": 9, "load_duration": 7}
END = {"done": True, "done_reason": "stop", **COUNTS}
OVERFLOW = {
    "error": json.dumps(
        {
            "error": {
                "code": 400,
                "message": "request (2622 tokens) exceeds the available context size (512 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 2622,
                "n_ctx": 512,
            }
        }
    )
}
FAULTS = (
    (404, {"error": "model 'x' not found"}, UnknownModel),
    (404, {"error": 'model "x" not found, try pulling it first'}, UnknownModel),
    (404, "404 page not found", UnknownModel),
    (400, OVERFLOW, ContextOverflow),
    (400, {"error": "the input length exceeds the context length"}, ContextOverflow),
    (500, {"error": "the input length exceeds the context length"}, ContextOverflow),
    (400, {"error": "the prompt is longer than the context length currently available to the model"}, ContextOverflow),
    (400, {"error": "registry.ollama.ai/library/x:latest does not support tools"}, Unsupported),
    (501, {"error": "this model does not support embeddings"}, Unsupported),
    (400, {"error": "illegal base64 data at input byte 0"}, BadRequest),
    (503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, RateLimited),
    (503, {"error": "llm server loading model"}, ModelLoading),
    (500, {"error": "llm server loading model"}, ModelLoading),
    (500, {"error": "model requires more system memory (18.2 GiB) than is available (7.1 GiB)"}, ProviderDown),
    (500, {"error": "llama runner process has terminated: exit status 2"}, ProviderDown),
)
WORDS = ("こん", "にちは", "、世界", "！\u2028", "👩‍", "🚀\u0085", " Ünïcödé")


def lines(*said: dict[str, Any], end: str = "\n") -> bytes:
    return "".join(json.dumps({**HEAD, **line}, ensure_ascii=False) + end for line in said).encode()


def chat_recordings() -> list[Recording]:
    """An answer, one that thinks, and one that calls tools: whole, and as lines of JSON."""
    greeting = [{"message": {"role": "assistant", "content": word}, "done": False} for word in WORDS]
    text = "".join(WORDS)
    calls = [
        {"function": {"index": 0, "name": "weather", "arguments": {"place": "東京"}}},
        {"id": "call_x", "function": {"index": 1, "name": "weather", "arguments": {"place": "Oslo", "days": 2}}},
    ]
    empty = {"role": "assistant", "content": ""}
    return [
        Recording(
            name="greeting",
            request={"model": "qwen3:0.6b", "stream": False, "truncate": False, "shift": False},
            response=lines({"message": {"role": "assistant", "content": text}, **END}),
            chunks=lines(*greeting, {"message": empty, **END}),
            answer={
                "text": text,
                "finish_reason": "stop",
                "raw_finish_reason": "stop",
                "model": "qwen3:0.6b",
                "usage": {"input_tokens": 21, "output_tokens": 9, "source": "provider"},
                "provider_metadata": {"load_duration": 7},
            },
        ),
        Recording(
            name="thinking",
            response=lines({"message": {"role": "assistant", "content": "42", "thinking": "六かける七。"}, **END}),
            chunks=lines(
                {"message": {**empty, "thinking": "六かける"}, "done": False},
                {"message": {**empty, "thinking": "七。"}, "done": False},
                {"message": {"role": "assistant", "content": "42"}, "done": False},
                {"message": empty, **END, "done_reason": "length"},
                end="\r\n",
            ).replace(b'"length"', b'"stop"'),
            answer={"text": "42", "reasoning": "六かける七。", "finish_reason": "stop"},
        ),
        Recording(
            name="tools",
            response=lines({"message": {**empty, "tool_calls": calls}, **END}),
            chunks=lines(
                {"message": {**empty, "tool_calls": calls[:1]}, "done": False},
                {"message": {**empty, "tool_calls": calls[1:]}, "done": False},
                {"message": empty, **END},
            ),
            answer={
                "finish_reason": "tool_call",
                "raw_finish_reason": "stop",
                "tool_calls": [
                    {"id": "call_0", "name": "weather", "arguments": '{"place": "東京"}'},
                    {"id": "call_x", "name": "weather", "arguments": '{"place": "Oslo", "days": 2}'},
                ],
            },
        ),
    ]


class TestChatEndpoint(TextEndpointConformance):
    """AT-C6: lines with Japanese, emoji, U+0085 and U+2028, ending in LF or CRLF, are cut everywhere.

    AT-E1: each error that Ollama is known for, in each of the forms its versions have given it.
    """

    model_id = "llama:qwen3:0.6b"
    recordings: ClassVar[Any] = chat_recordings()
    faults = FAULTS

    def endpoint(self) -> Chat:
        return Chat(ollama(LlamaOptions(engine="ollama", api_key=self.secret)), "qwen3:0.6b")


class TestPlainEndpoint(TextEndpointConformance):
    """AT-C6: the same for plain completion."""

    model_id = "llama:qwen3:0.6b"
    faults = FAULTS
    recordings: ClassVar[Any] = (
        Recording(
            name="greeting",
            request={"model": "qwen3:0.6b", "stream": False, "raw": True, "truncate": False},
            response=lines({"response": "".join(WORDS), **END, "context": [1, 2, 3]}),
            chunks=lines(*({"response": word, "done": False} for word in WORDS), {"response": "", **END, "context": [1, 2, 3]}),
            answer={"text": "".join(WORDS), "finish_reason": "stop", "usage": {"input_tokens": 21, "output_tokens": 9}},
        ),
    )

    def endpoint(self) -> Plain:
        return Plain(ollama(LlamaOptions(engine="ollama", api_key=self.secret)), "qwen3:0.6b")


class TestEmbedEndpoint(EmbeddingEndpointConformance):
    model_id = "llama:all-minilm"
    faults = FAULTS
    recordings: ClassVar[Any] = (
        Recording(
            name="three",
            request={"model": "all-minilm", "truncate": False},
            response=lines({"embeddings": [[0.5, -1.0], [0.25, 2.0], [1e-7, 0]], "prompt_eval_count": 12, "total_duration": 9}),
            answer={"count": 3, "dimensions": 2, "usage": {"input_tokens": 12}, "raw": {"total_duration": 9}},
        ),
    )

    def endpoint(self) -> Embeddings:
        return Embeddings(ollama(LlamaOptions(engine="ollama", api_key=self.secret)), "all-minilm")


class Scripted:
    """A model as a hub builds it, over a scripted Ollama."""

    more: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def server(cls) -> Iterator[ScriptedOllama]:
        with ScriptedOllama() as server:
            cls.options = {"engine": "ollama", "base_url": server.url, **cls.more}  # type: ignore[attr-defined]
            yield server


class TestChat(Scripted, TextConformance):
    model_id = "llama:qwen3:0.6b"

    def needing(self) -> Mapping[str, TextRequest]:
        """What the card leaves open (tools, pictures) the server alone knows; that it is sent, the endpoint's class shows."""
        card = self.model().card
        return {word: request for word, request in super().needing().items() if card.supports(word) is not None}


class TestPlain(TestChat):
    more: ClassVar[dict[str, Any]] = {"prompt": "plain", "context_window": 2048}


class TestEmbeddings(Scripted, EmbeddingConformance):
    model_id = "llama:all-minilm"
