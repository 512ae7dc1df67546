"""Recordings are read from files by their names, and compared attribute by attribute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelhub.interfaces.text import TextResponse
from modelhub.model import Usage
from modelhub.testing import Recording, recordings
from modelhub.testing.recording import differences


def test_a_folder_is_read_by_names(tmp_path: Path) -> None:
    (tmp_path / "hello.request.json").write_text(json.dumps({"q": "こんにちは"}), encoding="utf-8")
    (tmp_path / "hello.response.json").write_bytes(b'{"text": "\xe4\xb8\x96"}')
    (tmp_path / "hello.chunks.txt").write_bytes(b"data: x\r\n\r\n")
    (tmp_path / "hello.answer.json").write_text('{"text": "世"}', encoding="utf-8")
    (tmp_path / "sound.response.wav").write_bytes(b"RIFF")
    (tmp_path / "README.md").write_text("not a recording", encoding="utf-8")
    hello, sound = recordings(tmp_path)
    assert (hello.name, hello.request, hello.answer) == ("hello", {"q": "こんにちは"}, {"text": "世"})
    assert hello.streamed().body == b"data: x\r\n\r\n"
    assert hello.streamed().headers["Content-Type"] == "text/event-stream"
    assert (sound.name, sound.whole().headers["content-type"], sound.chunks) == ("sound", "audio/wav", None)


def test_what_was_not_recorded_says_which_file_to_add() -> None:
    with pytest.raises(AssertionError, match=r"add hello\.response\.json"):
        Recording(name="hello").whole()
    with pytest.raises(AssertionError, match=r"add hello\.chunks\.txt"):
        Recording(name="hello").streamed()


def test_only_what_is_written_is_compared() -> None:
    response: TextResponse[None] = TextResponse(usage=Usage(input_tokens=3), finish_reason="stop")
    assert differences({"finish_reason": "stop", "usage": {"input_tokens": 3}, "citations": []}, response) == []
    assert differences({"usage": {"input_tokens": 4}}, response) == ["response.usage.input_tokens is 3, the recording says 4"]
    assert differences({"content": [{"text": "a"}]}, response) == ["response.content is (), the recording says [{'text': 'a'}]"]
