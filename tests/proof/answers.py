"""A server that plays the vendor: for each operation an answer that every client can read."""

from __future__ import annotations

import base64
import struct
from urllib.parse import urlsplit

from modelhub.testing import Received, Reply, sse

__all__ = ["PNG", "WAV", "vendor"]

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
WAV = b"RIFF" + struct.pack("<I", 36 + 3200) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16) + b"data"
WAV += struct.pack("<I", 3200) + bytes(3200)

_USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
_CHUNK = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4o",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "output": [
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": '{"name": "東京"}', "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 9,
        "output_tokens": 3,
        "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
}


def vendor(received: Received) -> Reply:
    """The answer to whatever was asked."""
    path = urlsplit(received.path).path
    operation = next(name for name in _ANSWERS if path.endswith(name))
    return _ANSWERS[operation](received)


def _chat(received: Received) -> Reply:
    if not received.json().get("stream"):
        message = {"role": "assistant", "content": '{"name": "東京"}'}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return Reply(json={**_CHUNK, "object": "chat.completion", "choices": [choice], "usage": _USAGE})
    deltas = [
        {**_CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "東京"}, "finish_reason": None}]},
        {**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**_CHUNK, "choices": [], "usage": _USAGE},
    ]
    return Reply(headers={"content-type": "text/event-stream"}, chunks=sse([*deltas, "[DONE]"]))


def _responses(received: Received) -> Reply:
    if not received.json().get("stream"):
        return Reply(json=_RESPONSE)
    delta = {"type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "content_index": 0, "delta": "東京"}
    delta |= {"sequence_number": 1, "logprobs": []}
    done = {"type": "response.completed", "sequence_number": 2, "response": _RESPONSE}
    events = [(str(event["type"]), event) for event in (delta, done)]
    return Reply(headers={"content-type": "text/event-stream"}, chunks=sse(events))


def _embeddings(received: Received) -> Reply:
    asked = received.json()
    count = asked.get("dimensions", 1536)
    vector = base64.b64encode(struct.pack(f"<{count}f", *range(count))).decode()
    rows = [{"object": "embedding", "index": index, "embedding": vector} for index, _ in enumerate(asked["input"])]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return Reply(json={"object": "list", "data": rows, "model": "text-embedding-3-small", "usage": usage})


def _images(_: Received) -> Reply:
    return Reply(json={"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode()}]})


def _speech(_: Received) -> Reply:
    return Reply(body=WAV, headers={"content-type": "audio/wav"})


def _transcript(received: Received) -> Reply:
    times = {"task": "transcribe", "language": "japanese", "duration": 0.1}
    segment = {"id": 0, "start": 0.0, "end": 0.1, "text": "はい", "seek": 0, "tokens": [], "temperature": 0.0}
    segment |= {"avg_logprob": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0}
    words = [{"word": "はい", "start": 0.0, "end": 0.1}]
    verbose = b"verbose_json" in received.body
    return Reply(json={"text": "はい", **(times | {"segments": [segment], "words": words} if verbose else {})})


def _models(_: Received) -> Reply:
    return Reply(json={"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "system"}]})


_ANSWERS = {
    "/chat/completions": _chat,
    "/responses": _responses,
    "/embeddings": _embeddings,
    "/images/generations": _images,
    "/images/edits": _images,
    "/images/variations": _images,
    "/audio/speech": _speech,
    "/audio/transcriptions": _transcript,
    "/audio/translations": _transcript,
    "/models": _models,
}
