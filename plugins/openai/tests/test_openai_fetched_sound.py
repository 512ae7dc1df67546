"""A sound may be an address: it is read first, without a key, and sent on as the file that it is."""

from __future__ import annotations

import asyncio
import os
import struct

import pytest

import modelhub
from modelhub.plugin import AudioPart, InvalidRequest, TimedOut, Timeouts
from modelhub.testing import FaultServer, Reply

SAMPLES = bytes(2000)
HEADER = b"WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16) + b"data" + struct.pack("<I", len(SAMPLES))
SOUND = b"RIFF" + struct.pack("<I", 36 + len(SAMPLES)) + HEADER + SAMPLES
HEARD = "/v1/audio/transcriptions"


def config(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "sk-sentinel-of-the-account")
    server.on(HEARD, Reply(json={"text": "晴れ"}))
    return {"providers": {"openai": {"base_url": f"{server.url}/v1"}}}


def test_an_address_is_read_without_a_key_and_named_for_its_bytes(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AT-N: a URL with the wrong extension gets the right name and type by sniffing. AT-H5: no key goes along."""
    fault_server.on("/talk.mp3", Reply(302, headers={"location": "/moved/%E5%A3%B0.mp3?signed=1"}))
    fault_server.on("/moved/%E5%A3%B0.mp3?signed=1", Reply(body=SOUND, headers={"content-type": "text/plain"}))
    with modelhub.Hub(config(fault_server, monkeypatch)) as hub:
        assert hub.transcription("openai:whisper-1").transcribe(f"{fault_server.url}/talk.mp3").text == "晴れ"
    *fetches, asked = fault_server.requests
    assert [fetch.method for fetch in fetches] == ["GET", "GET"]
    assert not any("sentinel" in str(dict(fetch.headers)) for fetch in fetches)
    assert b'filename="audio.wav"\r\ncontent-type: audio/wav' in asked.body
    assert SOUND in asked.body


def test_an_address_can_be_streamed_and_awaited(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fault_server.on("/a", Reply(body=SOUND))

    async def asked() -> str:
        async with modelhub.AsyncHub(config(fault_server, monkeypatch)) as hub:
            part = AudioPart(url=f"{fault_server.url}/a")
            return (await hub.transcription("openai:whisper-1").stream(part).collect()).text

    assert asyncio.run(asked()) == "晴れ"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(404, body="no"), "answers 404"),
        (Reply(body=b""), "empty"),
        (Reply(302, headers={"location": "/a"}, body="x"), "redirects"),
        (Reply(302, headers={"location": "file:///etc/passwd"}, body="x"), "address|http"),
        (Reply(body="<html>not found</html>", headers={"content-type": "text/html"}), "no sound of a known format"),
    ],
)
def test_what_is_no_sound_is_refused_before_anything_is_paid(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch, reply: Reply, said: str
) -> None:
    fault_server.on("/a", reply)
    with modelhub.Hub(config(fault_server, monkeypatch)) as hub, pytest.raises(InvalidRequest, match=said):
        hub.transcription("openai:whisper-1").transcribe(f"{fault_server.url}/a")
    assert {received.path for received in fault_server.requests} == {"/a"}


def test_an_address_that_does_not_answer_counts_against_the_time_of_the_call(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault_server.on("/a", Reply(delay=5))
    with modelhub.Hub(config(fault_server, monkeypatch)) as hub, pytest.raises(TimedOut):
        hub.transcription("openai:whisper-1").transcribe(f"{fault_server.url}/a", timeouts=Timeouts(total=0.2))
