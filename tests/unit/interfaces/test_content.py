from __future__ import annotations

import pickle

import pytest

import modelhub
from modelhub.errors import AnswerError, InvalidRequest, ModelhubError, TimedOut
from modelhub.interfaces.content import ImagePart, Message, TextPart, ToolCall
from modelhub.interfaces.embedding import EmbeddingResponse, pack
from modelhub.interfaces.image import GeneratedImage, ImageResponse
from modelhub.interfaces.media import AudioPart, extension, sniff
from modelhub.interfaces.output import output_type
from modelhub.interfaces.transcription import Segment, TranscriptionResponse
from modelhub.model import Usage


def test_a_message_keeps_its_content_as_parts() -> None:
    assert Message("user", "a").content == (TextPart("a"),)
    assert Message("user", [TextPart("a"), TextPart("b")]).text == "ab"
    assert Message("assistant", ToolCall("1", "t")).content == (ToolCall("1", "t"),)


def test_arguments_that_do_not_parse_name_the_call() -> None:
    """AT-C4: in the same turn, with a typed error."""
    assert ToolCall("1", "weather", '{"city": "東京"}').parsed() == {"city": "東京"}
    assert ToolCall("1", "weather", "").parsed() == {}
    for arguments in ('{"city": ', "[1]"):
        with pytest.raises(AnswerError, match="weather"):
            ToolCall("1", "weather", arguments).parsed()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"hello", None),
        (b"", None),
    ],
)
def test_the_bytes_tell_the_media_type(data: bytes, media_type: str | None) -> None:
    assert sniff(data) == media_type


def test_media_are_bytes_or_an_address_and_never_both() -> None:
    with pytest.raises(InvalidRequest, match="either data or url"):
        ImagePart()
    with pytest.raises(InvalidRequest, match="either data or url"):
        ImagePart(data=b"x", url="https://example.com/x.png")
    with pytest.raises(InvalidRequest, match="no bytes"):
        AudioPart(data=b"")
    assert ImagePart(data=b"\x89PNG\r\n\x1a\n").data_url() == "data:image/png;base64,iVBORw0KGgo="
    assert ImagePart(url="https://example.com/x.png").data_url() == "https://example.com/x.png"
    assert extension("audio/wav") == "wav"
    assert extension("application/x-odd") == "bin"


def test_vectors_are_one_buffer_and_an_array_without_a_copy() -> None:
    buffer, count, dimensions = pack([[1.0, 2.0], [3.0, 4.5]])
    response = EmbeddingResponse(buffer=buffer, count=count, dimensions=dimensions)
    array = response.array()
    assert (array.shape, array.dtype.name, array.flags.owndata) == ((2, 2), "float32", False)
    assert (len(response), response[1], response[-2]) == (2, [3.0, 4.5], [1.0, 2.0])
    with pytest.raises(IndexError):
        response[2]
    with pytest.raises(AnswerError, match="Vector 1 has 1"):
        pack([[1.0, 2.0], [3.0]])
    with pytest.raises(AnswerError, match="4 bytes"):
        EmbeddingResponse(buffer=b"1234", count=1, dimensions=2)


def test_a_picture_is_bytes_or_an_address() -> None:
    with pytest.raises(AnswerError, match="no picture"):
        ImageResponse(images=())
    with pytest.raises(AnswerError, match="neither"):
        GeneratedImage()
    with pytest.raises(AnswerError, match=r"https://example\.com"):
        ImageResponse(images=(GeneratedImage(url="https://example.com/a.png"),)).bytes()


def test_subtitles_count_in_milliseconds() -> None:
    response = TranscriptionResponse(text="", segments=(Segment(0, 1.5, "こんにちは"), Segment(3661.001, 3662, " bye ")))
    assert response.srt() == ("1\n00:00:00,000 --> 00:00:01,500\nこんにちは\n\n2\n01:01:01,001 --> 01:01:02,000\nbye\n")
    assert response.vtt().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nこんにちは\n")


def test_an_unknown_count_makes_an_unknown_sum() -> None:
    assert Usage(input_tokens=3, output_tokens=4).total_tokens == 7
    assert Usage(input_tokens=3).total_tokens is None


def test_a_type_without_a_schema_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="JSON Schema"):
        output_type(type("Odd", (), {}))


def test_every_error_survives_pickling() -> None:
    timed = pickle.loads(pickle.dumps(TimedOut("slow", phase="idle", seconds=2.0)))
    assert (type(timed), str(timed), timed.phase, timed.seconds, timed.retryable) == (TimedOut, "slow", "idle", 2.0, False)
    for name in modelhub.__all__:
        kind = getattr(modelhub, name)
        if isinstance(kind, type) and issubclass(kind, ModelhubError):
            made = kind("日本語", phase="total", seconds=1) if kind is TimedOut else kind("日本語")
            again = pickle.loads(pickle.dumps(made))
            assert (type(again), again.message, again.__dict__) == (kind, "日本語", made.__dict__)
