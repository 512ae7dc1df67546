"""From a caller's words to a request: pure, so no runtime is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelhub.clients.embedding import embedding_request
from modelhub.clients.image import image_request
from modelhub.clients.reranking import reranking_request
from modelhub.clients.speech import speech_request
from modelhub.clients.text import text_request
from modelhub.clients.transcription import transcription_request
from modelhub.errors import InvalidRequest
from modelhub.interfaces.content import ImagePart, Message, TextPart
from modelhub.interfaces.text import TextSettings

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def test_a_string_becomes_one_user_message() -> None:
    request = text_request("鍵はどこ？", None, {})
    assert request.messages == (Message("user", "鍵はどこ？"),)
    assert request.question == "鍵はどこ？"


def test_a_system_prompt_stands_before_the_conversation() -> None:
    request = text_request([Message("user", "a"), Message("assistant", "b"), Message("user", "c")], None, {"system": "s"})
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "user"]
    assert request.question == "c"


def test_strings_and_parts_make_one_message() -> None:
    picture = ImagePart(data=PNG)
    request = text_request(["What is this?", picture], None, {})
    assert request.messages == (Message("user", (TextPart("What is this?"), picture)),)
    assert request.needs() == {"images"}


def test_settings_go_to_the_knobs_and_a_zero_stays_a_zero() -> None:
    request = text_request("?", None, {"temperature": 0.0, "stop_sequences": "。", "max_output_tokens": 5})
    assert request.knobs == TextSettings(temperature=0.0, stop_sequences=("。",), max_output_tokens=5)
    assert request.settings() == {"temperature": 0.0, "stop_sequences": ("。",), "max_output_tokens": 5}


@pytest.mark.parametrize("prompt", ["", "  \n", [], ()])
def test_an_empty_prompt_is_refused(prompt: Any) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        text_request(prompt, None, {})


def test_messages_and_parts_cannot_be_mixed() -> None:
    with pytest.raises(InvalidRequest, match="not both"):
        text_request([Message("user", "a"), "b"], None, {})  # type: ignore[list-item]


def test_an_unknown_option_is_refused_with_a_suggestion() -> None:
    with pytest.raises(InvalidRequest, match=r"'temprature'.*Did you mean 'temperature'"):
        text_request("?", None, {"temprature": 1})


@pytest.mark.parametrize(("name", "value"), [("max_output_tokens", 0), ("temperature", -1), ("top_p", 0), ("top_p", 1.5)])
def test_a_value_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidRequest, match=name):
        text_request("?", None, {name: value})


def test_a_bare_string_is_not_a_list_of_texts() -> None:
    """AT-L: else it would be embedded letter by letter."""
    with pytest.raises(TypeError, match=r"embed\(\[text\]\)"):
        embedding_request("text", {})
    with pytest.raises(TypeError, match="list of documents"):
        reranking_request("q", "document", {})


def test_nothing_to_do_is_refused() -> None:
    for request in (
        lambda: embedding_request([], {}),
        lambda: reranking_request("q", [], {}),
        lambda: reranking_request(" ", ["d"], {}),
        lambda: speech_request(" ", {}),
        lambda: image_request("generate", options={}),
        lambda: image_request("generate", prompt="x", options={"count": 0}),
        lambda: image_request("generate", prompt="x", options={"size": (0, 5)}),
    ):
        with pytest.raises(InvalidRequest):
            request()


def test_what_is_not_a_text_cannot_be_embedded() -> None:
    with pytest.raises(InvalidRequest, match=r"inputs\[1\] is int"):
        embedding_request(["a", 5], {})  # type: ignore[list-item]


def test_pictures_come_from_paths_bytes_and_parts(tmp_path: Path) -> None:
    file = tmp_path / "絵.jpg"
    file.write_bytes(PNG)
    for source in (file, str(file), PNG, ImagePart(data=PNG)):
        request = image_request("edit", source, prompt="brighter", mask=source, options={})
        assert request.images[0].media_type == "image/png", "the bytes tell the type, not the name"
        assert request.needs() == {"edit", "mask"}


def test_a_missing_or_empty_sound_is_told_by_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    with pytest.raises(InvalidRequest, match=r"empty\.wav is empty"):
        transcription_request(empty, {})
    with pytest.raises(InvalidRequest, match=r"nowhere\.wav': No such file"):
        transcription_request(tmp_path / "nowhere.wav", {})


def test_phrases_and_timestamps_are_collected() -> None:
    request = transcription_request(b"RIFF....WAVE", {"phrases": ["go", "stop"], "timestamps": "word"})
    assert request.phrases == ("go", "stop")
    assert request.needs() == {"word_timestamps"}


def test_an_address_is_not_fetched_by_itself() -> None:
    """AT-H5: what an application was handed may lead to a machine of its own network."""
    with pytest.raises(InvalidRequest, match=r"address of a sound is not fetched"):
        transcription_request("http://169.254.169.254/latest", {})


def test_an_option_that_stands_under_no_provider_is_told() -> None:
    with pytest.raises(InvalidRequest, match=r"stand under a provider: \{'provider': \{'service_tier'"):
        text_request("?", None, {"extra": {"service_tier": "flex"}})
