"""Hosts that say that an answer is complete and hold the connection open: every kind of stream ends all the same."""

from __future__ import annotations

import base64
import time
from typing import Any, NamedTuple

import pytest
from modelhub_openai import images, speech, text, transcriptions
from modelhub_openai.options import OpenAIOptions

from modelhub.plugin import AudioPart, Finished, ImageRequest, Message, SpeechRequest, TextRequest, TranscriptionRequest
from modelhub.testing import Driven, FaultServer, Reply, sse
from modelhub.testing.conformance.samples import sound

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
SOUND = base64.b64encode(b"\xff\xf3" + bytes(64)).decode()
SAID = [{"type": "message", "content": [{"type": "output_text", "text": "灯台"}]}]


class Kind(NamedTuple):
    model: Any
    name: str
    request: Any
    events: list[Any]


KINDS = {
    "responses": Kind(
        text.model,
        "gpt-4o",
        TextRequest(messages=(Message("user", "?"),)),
        [{"type": "response.completed", "response": {"status": "completed", "output": SAID}}],
    ),
    "speech": Kind(
        speech.model,
        "gpt-4o-mini-tts",
        SpeechRequest(text="灯台"),
        [{"type": "speech.audio.delta", "audio": SOUND}, {"type": "speech.audio.done"}],
    ),
    "transcription": Kind(
        transcriptions.model,
        "gpt-4o-transcribe",
        TranscriptionRequest(audio=AudioPart(data=sound().data)),
        [{"type": "transcript.text.delta", "delta": "灯台"}, {"type": "transcript.text.done", "text": "灯台"}],
    ),
    "image": Kind(
        images.model,
        "gpt-image-1",
        ImageRequest(prompt="灯台"),
        [{"type": "image_generation.completed", "b64_json": PNG}, "[DONE]"],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_ends_with_its_last_event_whether_or_not_its_body_does(kind: str, runtime: Driven) -> None:
    row = KINDS[kind]
    whole = b"".join(sse(row.events))
    with FaultServer(Reply(headers={"content-type": "text/event-stream"}, chunks=[whole, b""], fault="stall")) as server:
        options = OpenAIOptions(base_url=server.url, api_key_env=None, api="responses" if kind == "responses" else "chat")
        began = time.monotonic()
        events = runtime.stream(row.model(row.name, options), row.request)
        assert time.monotonic() - began < 3
        assert isinstance(events[-1], Finished)
        assert server.wait_for_disconnect()
