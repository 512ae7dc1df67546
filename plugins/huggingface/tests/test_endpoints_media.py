"""Pictures and sounds on an endpoint: AT-M and AT-J4: what they are is read off their bytes, whatever anybody calls them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from endpoint_hub import MODEL, config
from modelhub_huggingface.endpoints import image, speech, transcription
from modelhub_huggingface.options import HuggingFaceOptions
from modelhub_huggingface.pipelines.media import waved
from scripted_endpoint import ScriptedEndpoint
from scripted_words import png, wav

from modelhub import Hub
from modelhub.plugin import (
    AnswerError,
    AudioPart,
    BadRequest,
    ConfigError,
    ImagePart,
    ImageRequest,
    InvalidRequest,
    SpeechRequest,
    TranscriptionRequest,
    Unsupported,
    read_wav,
)
from modelhub.testing import Driven, FaultServer, Reply, collect

PICTURE = ImagePart(data=png())
FLAC = b"fLaC\x00\x00\x00\x22" + bytes(64)
MP3 = b"ID3\x04\x00\x00" + bytes(64)


def options(url: str, **more: Any) -> HuggingFaceOptions:
    return HuggingFaceOptions(base_url=url, cold_start=0.0, **more)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


# pictures


def test_a_picture_comes_as_bytes_and_its_settings_go_along() -> None:
    with ScriptedEndpoint("plain", "text-to-image") as endpoint:
        with Hub(config(endpoint, arguments={"num_inference_steps": 4, "seed": 1})) as hub:
            response = hub.image(MODEL).generate("灯台", size=(64, 64), negative_prompt="霧", seed=7)
        (asked,) = endpoint.asked("/")
        assert endpoint.requests[0].headers["accept"] == "image/png"
    assert asked["inputs"] == "灯台"
    assert asked["parameters"] == {"num_inference_steps": 4, "seed": 7, "width": 64, "height": 64, "negative_prompt": "霧"}
    assert response.images[0].media_type == "image/png"
    assert response.usage.images == 1


def test_at_m_several_pictures_are_several_requests() -> None:
    with ScriptedEndpoint("plain", "text-to-image") as endpoint, Hub(config(endpoint)) as hub:
        response = hub.image(MODEL).generate("灯台", count=3)
    assert (len(response.images), len(endpoint.requests)) == (3, 3)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(headers={"content-type": "image/jpeg"}, body=png()),
        Reply(headers={"content-type": "application/octet-stream"}, body=png()),
        Reply(body=json.dumps(encoded(png()))),
        Reply(json={"image": encoded(png())}),
        Reply(json=[{"generated_image": f"data:image/jpeg;base64,{encoded(png())}", "seed": 7}]),
        Reply(json={"images": [encoded(png())], "parameters": {"prompt": "灯台"}}),
    ],
)
def test_at_j4_what_came_is_read_off_its_bytes(runtime: Driven, reply: Reply) -> None:
    with FaultServer(reply) as server:
        response = runtime.call(image.model("m", options(server.url)), ImageRequest(prompt="灯台"))
    assert response.bytes() == png()
    assert response.images[0].media_type == "image/png"
    assert encoded(png()) not in str(response.raw), "a picture stands in memory once"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(json={}),
        Reply(json={"images": []}),
        Reply(json={"image": "not base64 at all, but long enough to be"}),
        Reply(headers={"content-type": "text/html"}, body="<html>Log in</html>"),
        Reply(body=b""),
        Reply(headers={"content-type": "audio/wav"}, body=wav(0.1)),
    ],
)
def test_at_m_an_answer_without_a_picture_is_an_error(runtime: Driven, reply: Reply) -> None:
    with FaultServer(reply) as server, pytest.raises(AnswerError):
        runtime.call(image.model("m", options(server.url)), ImageRequest(prompt="灯台"))


def test_an_error_under_the_status_of_a_success_is_an_error(runtime: Driven) -> None:
    with FaultServer(Reply(json={"error": "CUDA out of memory"})) as server, pytest.raises(Exception, match="CUDA"):
        runtime.call(image.model("m", options(server.url)), ImageRequest(prompt="灯台"))


def test_what_the_server_refuses_is_told_in_its_words(runtime: Driven) -> None:
    with ScriptedEndpoint("plain", "text-to-image") as endpoint, pytest.raises(BadRequest, match="Provided `height=8`"):
        runtime.call(image.model("m", options(endpoint.url)), ImageRequest(prompt="x", size=(64, 8)))


def test_an_edit_starts_from_a_picture_as_base64() -> None:
    with ScriptedEndpoint("plain", "image-to-image") as endpoint, Hub(config(endpoint, task="image-to-image")) as hub:
        hub.image(MODEL).edit(PICTURE, "雪", strength=0.5, size=(64, 64))
        (asked,) = endpoint.asked("/")
    assert base64.b64decode(asked["inputs"]) == PICTURE.data
    assert asked["parameters"] == {"prompt": "雪", "strength": 0.5, "target_size": {"width": 64, "height": 64}}


def test_an_enlargement_is_a_task_of_its_own() -> None:
    with ScriptedEndpoint("plain", "upscaling") as endpoint, Hub(config(endpoint, task="upscaling")) as hub:
        response = hub.image(MODEL).upscale(PICTURE)
        (asked,) = endpoint.asked("/")
    assert asked == {"inputs": encoded(PICTURE.data or b"")}
    assert response.images[0].media_type == "image/png"


def test_what_the_endpoint_is_not_for_is_refused_before_anything_is_sent() -> None:
    with ScriptedEndpoint("plain", "text-to-image") as endpoint, Hub(config(endpoint)) as hub:
        with pytest.raises(Unsupported):
            hub.image(MODEL).edit(PICTURE, "雪")
        assert not endpoint.requests


def test_a_picture_that_is_an_address_is_to_be_read_first(runtime: Driven) -> None:
    request = ImageRequest(operation="edit", images=(ImagePart(url="https://example.com/a.png"),))
    with pytest.raises(InvalidRequest, match="read it first"):
        runtime.call(image.model("m", options("http://127.0.0.1:9", task="image-to-image")), request)


def test_servers_and_tasks_that_paint_nothing_are_named() -> None:
    with pytest.raises(Unsupported, match="has no image: write server = 'plain' or 'openai'"):
        image.model("m", options("http://127.0.0.1:9", server="tgi"))
    with pytest.raises(ConfigError, match="pictures come of one of text-to-image"):
        image.model("m", options("http://127.0.0.1:9", task="summarization"))


def test_an_openai_like_server_paints_too(runtime: Driven) -> None:
    with ScriptedEndpoint("openai") as endpoint:
        response = runtime.call(image.model("m", options(endpoint.url, server="openai")), ImageRequest(prompt="灯台"))
    assert response.bytes() == png()


# speech


def test_samples_become_a_sound(runtime: Driven) -> None:
    """The Inference Toolkit cannot write sounds: it gives numbers."""
    with ScriptedEndpoint("plain", "text-to-speech") as endpoint:
        model = speech.model("m", options(endpoint.url))
        response = runtime.call(model, SpeechRequest(text="こんにちは"))
        assert collect(runtime.stream(model, SpeechRequest(text="こんにちは"))) == response
        assert endpoint.asked("/")[0] == {"inputs": "こんにちは"}
    assert (response.media_type, response.sample_rate) == ("audio/wav", 16_000)
    assert response.duration == pytest.approx(0.1)
    assert response.usage.characters == 5
    found = read_wav(response.audio)
    assert found is not None
    assert max(found.samples.cast("b")) > 0


@pytest.mark.parametrize(
    ("reply", "media_type"),
    [
        (Reply(headers={"content-type": "audio/wav"}, body=FLAC), "audio/flac"),
        (Reply(headers={"content-type": "application/octet-stream"}, body=MP3), "audio/mpeg"),
        (Reply(headers={"content-type": "audio/x-strange"}, body=b"\x00\x01" * 50), "audio/x-strange"),
        (Reply(json={"audio": encoded(FLAC), "sampling_rate": 16000}), "audio/flac"),
        (Reply(json=[{"audio": encoded(wav(0.1))}]), "audio/wav"),
        (Reply(json={"audio": [[0.0, 0.5, -0.5]], "sampling_rate": 8000.0}), "audio/wav"),
        (Reply(json=[{"audio": [0.0, 0.5], "sampling_rate": 8000}]), "audio/wav"),
    ],
)
def test_at_j4_a_sound_is_labelled_by_its_bytes(runtime: Driven, reply: Reply, media_type: str) -> None:
    with FaultServer(reply) as server:
        response = runtime.call(speech.model("m", options(server.url)), SpeechRequest(text="はい"))
    assert response.media_type == media_type


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"audio": []},
        {"audio": [0.5]},
        {"audio": ["x"], "sampling_rate": 8000},
        {"audio": [[]], "sampling_rate": 8000},
        {"audio": [float("nan")], "sampling_rate": 8000},
    ],
)
def test_an_answer_without_a_sound_is_an_error(runtime: Driven, body: Any) -> None:
    with FaultServer(Reply(json=body)) as server, pytest.raises(AnswerError):
        runtime.call(speech.model("m", options(server.url)), SpeechRequest(text="はい"))


@pytest.mark.parametrize("shape", ["moments", "channels"])
def test_several_channels_are_told_from_moments(shape: str) -> None:
    left, right = [0.0, 0.5, 1.0], [-1.0, -0.5, 2.0]
    samples = [left, right] if shape == "channels" else list(map(list, zip(left, right, strict=True)))
    found = read_wav(waved(samples, 8000))
    assert found is not None
    assert found.form.channels == 2
    assert list(found.samples.cast("h")) == [0, -32767, 16384, -16384, 32767, 32767], "what is too loud is cut"


def test_a_voice_that_cannot_be_chosen_is_a_notice() -> None:
    with ScriptedEndpoint("plain", "text-to-speech") as endpoint, Hub(config(endpoint)) as hub:
        assert [notice.setting for notice in hub.speech(MODEL).speak("はい", voice="alloy").notices] == ["voice"]


def test_an_openai_like_server_speaks_too(runtime: Driven) -> None:
    with ScriptedEndpoint("openai") as endpoint:
        model = speech.model("m", options(endpoint.url, server="openai"))
        assert runtime.call(model, SpeechRequest(text="はい")).media_type == "audio/wav"
    with pytest.raises(Unsupported, match="has no speech"):
        speech.model("m", options("http://127.0.0.1:9", server="tei"))


# recognition


@pytest.mark.parametrize(
    ("audio", "media_type"),
    [
        (AudioPart(data=wav(0.1)), "audio/wav"),
        (AudioPart(data=FLAC, name="lies.wav", media_type="audio/wav"), "audio/flac"),
        (AudioPart(data=MP3), "audio/mpeg"),
        (AudioPart(data=b"\x00\x00\x00\x18ftypM4A " + bytes(32)), "audio/m4a"),
        (AudioPart(data=b"#!AMR\n" + bytes(32), name="call.amr"), "audio/amr"),
    ],
)
def test_at_j4_a_sound_goes_as_it_is_under_the_type_of_its_bytes(runtime: Driven, audio: AudioPart, media_type: str) -> None:
    with ScriptedEndpoint("plain", "automatic-speech-recognition") as endpoint:
        response = runtime.call(transcription.model("m", options(endpoint.url)), TranscriptionRequest(audio=audio))
        (asked,) = endpoint.requests
    assert (asked.headers["content-type"], asked.body) == (media_type, audio.data)
    assert response.text == "東京は雨です。"


def test_bytes_that_are_no_sound_are_refused_before_anything_is_sent(runtime: Driven) -> None:
    model = transcription.model("m", options("http://127.0.0.1:9"))
    with pytest.raises(InvalidRequest, match="no sound of a known format"):
        runtime.call(model, TranscriptionRequest(audio=AudioPart(data=png())))
    with pytest.raises(InvalidRequest, match="read it first"):
        runtime.call(model, TranscriptionRequest(audio=AudioPart(url="https://example.com/a.wav")))


def test_what_is_asked_besides_goes_as_json_with_the_sound_in_it() -> None:
    with ScriptedEndpoint("plain", "automatic-speech-recognition") as endpoint, Hub(config(endpoint)) as hub:
        timed = hub.transcription(MODEL).transcribe(wav(0.2), timestamps=["segment"], language="ja-JP", temperature=0.0)
        words = hub.transcription(MODEL).transcribe(wav(0.2), timestamps=["word", "segment"])
        english = hub.transcription(MODEL).transcribe(wav(0.2), translate=True)
        first, second, third = endpoint.asked("/")
    assert base64.b64decode(first["inputs"]) == wav(0.2)
    assert first["parameters"] == {"return_timestamps": True, "generate_kwargs": {"language": "ja", "temperature": 0.0}}
    assert second["parameters"] == {"return_timestamps": "word"}
    assert third["parameters"] == {"generate_kwargs": {"task": "translate"}}
    assert [(segment.start, segment.end, segment.text) for segment in timed.segments] == [(0.0, 1.5, "東京は雨です。")]
    assert [(word.start, word.end, word.text) for word in words.words] == [(0.0, 0.5, "東京は"), (0.5, 0.5, "雨です。")]
    assert [notice.setting for notice in words.notices] == ["timestamps"]
    assert english.text == "It rains in Tokyo."


@pytest.mark.parametrize(
    ("body", "text"),
    [({"text": " 雨。"}, "雨。"), ([{"text": "雨。"}], "雨。"), ({"text": ""}, ""), ({"text": "雨。", "chunks": None}, "雨。")],
)
def test_at_e3_a_transcript_in_another_shape_is_read(runtime: Driven, body: Any, text: str) -> None:
    request = TranscriptionRequest(audio=AudioPart(data=wav(0.1)), timestamps=frozenset({"segment"}))
    with FaultServer(Reply(json=body)) as server:
        model = transcription.model("m", options(server.url))
        response = runtime.call(model, request)
        assert collect(runtime.stream(model, request)) == response
    assert (response.text, response.segments) == (text, ())


@pytest.mark.parametrize("body", [{}, [], "雨。", {"transcript": "雨。"}])
def test_an_answer_without_a_transcript_is_an_error(runtime: Driven, body: Any) -> None:
    with FaultServer(Reply(json=body)) as server, pytest.raises(AnswerError):
        runtime.call(transcription.model("m", options(server.url)), TranscriptionRequest(audio=AudioPart(data=wav(0.1))))


def test_an_openai_like_server_is_asked_for_a_whole_transcript(runtime: Driven) -> None:
    """Those that run open models stream in forms of their own."""
    with ScriptedEndpoint("openai") as endpoint:
        model = transcription.model("m", options(endpoint.url, server="openai"))
        streamed = collect(runtime.stream(model, TranscriptionRequest(audio=AudioPart(data=wav(0.1)))))
        body = endpoint.requests[0].body
    assert streamed.text == "東京は雨です。"
    assert b'name="stream"' not in body
    with pytest.raises(Unsupported, match="has no transcription"):
        transcription.model("m", options("http://127.0.0.1:9", server="tgi"))
