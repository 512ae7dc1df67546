"""Long recordings and long texts from the hub's door to the server: split, retried part by part, put together."""

from __future__ import annotations

import io
import struct
import threading
import wave
from collections.abc import Iterator
from typing import Any

import pytest

import modelhub
from modelhub.plugin import AnswerError, AudioDelta, InvalidRequest, Unsupported, read_wav
from modelhub.testing import FaultServer, Received, Reply

FORM = struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16)
TEXT = "鍵は毎月更新します。更新には管理者の権限が要ります！　" * 400
LIMIT = 4096


def wav(samples: bytes) -> bytes:
    head = b"WAVEfmt \x10\0\0\0" + FORM + b"data" + struct.pack("<I", len(samples))
    return b"RIFF" + struct.pack("<I", 36 + len(samples)) + head + samples


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def hub(server: FaultServer) -> modelhub.Hub:
    return modelhub.Hub({"providers": {"openai": {"base_url": f"{server.url}/v1", "api_key_env": False}}})


def said(received: Received) -> bytes:
    """The sound of a text: each letter a sample."""
    text: str = received.json()["input"]
    assert len(text) <= LIMIT
    return wav(b"".join(struct.pack("<H", ord(letter)) for letter in text))


def letters(audio: bytes) -> str:
    with wave.open(io.BytesIO(audio)) as file:
        text: str = file.readframes(file.getnframes()).decode("utf-16-le")
    return text


def busy_once(answer: Any) -> Any:
    """Answers all requests but the second, which is asked again."""
    lock, asked = threading.Lock(), []

    def reply(received: Received) -> Reply:
        with lock:
            asked.append(received)
            if len(asked) == 2:
                return Reply(429, headers={"retry-after": "0"}, json={"error": {"message": "Slow down."}})
        found: Reply = answer(received)
        return found

    return reply


def test_a_long_text_is_one_file_though_a_piece_was_refused_once(server: FaultServer) -> None:
    """AT-N: long Japanese text split on 。, one valid file; only the piece that failed is asked for again."""
    server.on("/v1/audio/speech", busy_once(lambda received: Reply(body=said(received), headers={"content-type": "audio/wav"})))
    with hub(server) as open_hub:
        response = open_hub.speech("openai:tts-1").speak(TEXT, output_format="wav")
    assert letters(response.audio) == TEXT
    assert response.audio.count(b"RIFF") == 1
    assert response.usage.characters == len(TEXT)
    assert response.duration == pytest.approx(len(TEXT) / 8000)
    pieces = -(-len(TEXT) // LIMIT)
    assert len(server.requests) == pieces + 1
    assert all(received.json()["input"].rstrip()[-1] in "。！" for received in server.requests)


def test_a_long_text_streams_as_one_file(server: FaultServer) -> None:
    server.on("/v1/audio/speech", lambda received: Reply(chunks=[said(received)[:50], said(received)[50:]]))
    with hub(server) as open_hub, open_hub.speech("openai:gpt-4o-mini-tts").stream(TEXT, output_format="wav") as events:
        first = next(events)
        assert len(server.requests) == 1
        sound = b"".join(event.data for event in [first, *events] if isinstance(event, AudioDelta))
    with wave.open(io.BytesIO(sound)) as file:
        assert file.readframes(10**6).decode("utf-16-le") == TEXT


def test_a_format_that_makes_no_file_of_pieces_is_refused_before_a_request(server: FaultServer) -> None:
    with hub(server) as open_hub, pytest.raises(Unsupported, match=r"opus.*wav, mp3"):
        open_hub.speech("openai:tts-1").speak(TEXT, output_format="opus")
    assert server.requests == []


def heard(received: Received) -> Reply:
    """The words of a part: its loud seconds, by their loudness."""
    start = received.body.index(b"RIFF")
    found = read_wav(received.body[start : received.body.rindex(b"\r\n--")])
    assert found is not None
    assert found.seconds * 16_000 < 25 * 1024 * 1024
    words: list[dict[str, Any]] = []
    for second in range(0, found.frames, 4000):
        loudest = max(found.samples[2 * second + 1 : 2 * second + 8000 : 400], default=0)
        if loudest and (not words or words[-1]["word"] != f"w{loudest}"):
            words.append({"word": f"w{loudest}", "start": second / 8000, "end": (second + 4000) / 8000})
    text = " ".join(str(word["word"]) for word in words)
    return Reply(json={"text": text, "language": "japanese", "duration": found.seconds, "words": words})


def test_an_hour_is_heard_though_a_part_was_refused_once(server: FaultServer) -> None:
    """AT-N: over 25 MB: split at silence, beside each other, stitched, and only the part that failed asked again."""
    server.on("/v1/audio/transcriptions", busy_once(heard))
    minute = [bytes((0, level)) * 8000 + bytes(2 * 8000 * 44) for level in range(1, 81)]
    with hub(server) as open_hub:
        response = open_hub.transcription("openai:whisper-1").transcribe(io.BytesIO(wav(b"".join(minute))), timestamps=["word"])
    assert response.text == " ".join(f"w{level}" for level in range(1, 81))
    assert [round(word.start) for word in response.words] == pytest.approx([45 * place for place in range(80)], abs=1)
    assert response.language == "ja"
    assert response.usage.audio_seconds == response.duration == 3600
    assert len(server.requests) == 4
    assert response.notices == ()


def test_a_long_file_of_another_format_is_refused_with_the_way_out(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with hub(server) as open_hub, pytest.raises(InvalidRequest, match=r"audio/mpeg.*26,214,400.*WAV.*ffmpeg"):
        open_hub.transcription("openai:whisper-1").transcribe(b"ID3" + bytes(26_214_400))
    assert server.requests == []


def test_pieces_of_different_kinds_are_no_file(server: FaultServer) -> None:
    mp3 = b"\xff\xfb\x90\x00" + bytes(413)
    server.on("/v1/audio/speech", Reply(body=mp3), lambda received: Reply(body=said(received)))
    with hub(server) as open_hub, pytest.raises(AnswerError, match=r"kind|form"):
        open_hub.speech("openai:tts-1").speak(TEXT)
