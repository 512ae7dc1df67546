"""Speech: what is asked for, what is taken for sound, and when the first byte of it arrives."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import host
from modelhub_openai.speech import Speech, model

from modelhub.plugin import (
    AnswerError,
    AudioDelta,
    Finished,
    Headers,
    HttpModel,
    HttpResponse,
    InvalidRequest,
    ModelhubError,
    ProviderDown,
    SpeechRequest,
    SpeechResponse,
    StreamBroken,
)
from modelhub.testing import Driven, FakeRuntime, FaultServer, Recording, Reply, SpeechEndpointConformance, collect, drive, sse
from modelhub.transport.blocking import BlockingRuntime
from modelhub.transport.drive import iterate

MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x05abcde" + (b"\xff\xfb\x90\x00" + bytes(range(256)) + bytes(157)) * 3
REQUEST = SpeechRequest(text="おはよう")


def wav(samples: bytes, size: int | None = None) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 2, 16)
    length = len(samples) if size is None else size
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(samples))
        + b"WAVEfmt \x10\0\0\0"
        + form
        + b"data"
        + struct.pack("<I", length)
        + samples
    )


def told(sound: bytes, usage: Any = None) -> bytes:
    """The sound as events."""
    pieces = [sound[:100], sound[100:]]
    events: list[Any] = [{"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()} for piece in pieces]
    return b"".join(sse([*events, {"type": "speech.audio.done", "usage": usage}]))


USAGE = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}


KNOBS: Mapping[str, Any] = {**SpeechEndpointConformance.knobs, "voice": "coral"}


class TestSpeech(SpeechEndpointConformance):
    model_id = "openai:gpt-4o-mini-tts"
    knobs = KNOBS
    recordings: ClassVar[Sequence[Recording]] = (
        Recording(
            name="mp3",
            request={"model": "gpt-4o-mini-tts", "voice": "alloy"},
            response=MP3,
            response_type="audio/mpeg",
            chunks=MP3,
            chunks_type="audio/mpeg",
            answer={"audio": MP3, "media_type": "audio/mpeg", "model": "gpt-4o-mini-tts"},
        ),
        Recording(
            name="wav",
            response=wav(bytes(480)),
            response_type="audio/wav",
            chunks=wav(bytes(480)),
            answer={"media_type": "audio/wav", "sample_rate": 24_000, "duration": 0.01},
        ),
    )
    faults = ((400, {"error": {"message": "Invalid voice", "code": "invalid_value", "param": "voice"}}, ModelhubError),)

    def endpoint(self) -> Speech:
        return Speech(host(OpenAIOptions(api_key=self.secret)), "gpt-4o-mini-tts")


class TestSpeechAsEvents(SpeechEndpointConformance):
    model_id = "openai:gpt-4o-mini-tts"
    knobs = KNOBS
    end_is_marked = True
    recordings: ClassVar[Sequence[Recording]] = (
        Recording(
            name="events",
            response=told(MP3, USAGE),
            response_type="text/event-stream",
            chunks=told(MP3, USAGE),
            answer={"audio": MP3, "usage": {"input_tokens": 14, "output_tokens": 101, "characters": None}},
        ),
    )

    def endpoint(self) -> Speech:
        return Speech(host(OpenAIOptions(api_key=self.secret)), "gpt-4o-mini-tts")


class TestSpeechOfAnOlderModel(TestSpeech):
    model_id = "openai:tts-1-hd"
    recordings: ClassVar[Sequence[Recording]] = (Recording(name="mp3", response=MP3, chunks=MP3, answer={"audio": MP3}),)

    def endpoint(self) -> Speech:
        return Speech(host(OpenAIOptions(api_key=self.secret)), "tts-1-hd")


class TestSpeechOfAnUnknownModel(TestSpeech):
    model_id = "openai:kokoro"
    recordings: ClassVar[Sequence[Recording]] = (Recording(name="mp3", response=MP3, chunks=MP3, answer={"audio": MP3}),)

    def endpoint(self) -> Speech:
        return Speech(host(OpenAIOptions(api_key=self.secret)), "kokoro")


def endpoint(name: str = "tts-1", **options: Any) -> Speech:
    return Speech(host(OpenAIOptions(api_key_env=None, **options)), name)


def written(asked: Speech, **fields: Any) -> Any:
    return json.loads(asked.build(SpeechRequest(**{"text": "hi", **fields}), stream=True).body or b"")


def answered(body: bytes, content_type: str = "", **fields: Any) -> SpeechResponse:
    headers = Headers({"content-type": content_type} if content_type else {})
    request = SpeechRequest(**{"text": "おはよう", **fields})
    return drive(HttpModel(endpoint()).call(request, FakeRuntime([HttpResponse(200, headers, body)])))


def test_what_is_not_asked_for_is_not_sent() -> None:
    assert written(endpoint()) == {"model": "tts-1", "input": "hi", "voice": "alloy"}
    assert written(endpoint("kokoro")) == {"model": "kokoro", "input": "hi"}
    whole = written(endpoint(), voice="nova", output_format="opus", speed=0.5, extra={"openai": {"stream_format": "audio"}})
    assert whole["response_format"] == "opus"
    assert (whole["voice"], whole["speed"], whole["stream_format"]) == ("nova", 0.5, "audio")
    assert "voice" not in written(endpoint(quirks=Quirks(omit=("voice",))))


@pytest.mark.parametrize(("fields", "said"), [({"output_format": "ogg"}, "mp3, opus"), ({"speed": 5.0}, "0.25 to 4")])
def test_what_is_known_to_be_refused_is_refused_here_with_what_may_be_given(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        written(endpoint(), **fields)
    assert written(endpoint("kokoro"), **fields)


def test_a_deployment_has_the_card_of_its_base_model() -> None:
    card = endpoint("reader", base_models={"reader": "gpt-4o-mini-tts"}).card
    assert card.limits == {"characters": 4096, "input_tokens": 2000}
    assert card.settings == frozenset({"voice", "output_format", "speed", "instructions"})
    for name in ("tts-1-hd", "tts", "tts-hd"):
        assert endpoint(name).card.limits == {"characters": 4096}
    assert endpoint("tts-1-hd").card.settings == frozenset({"voice", "output_format", "speed"})


FORMATS = {
    "mp3": (MP3, "audio/mpeg"),
    "aac": (b"\xff\xf1\x50\x80" + bytes(40), "audio/aac"),
    "opus": (b"OggS\x00\x02" + bytes(40), "audio/ogg"),
    "flac": (b"fLaC" + bytes(40), "audio/flac"),
    "wav": (wav(bytes(48)), "audio/wav"),
    "pcm": (b"\x00\x00\x01\x00" * 600, "audio/pcm"),
}


@pytest.mark.parametrize("content_type", ["", "application/octet-stream"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_bytes_say_what_the_sound_is_whatever_the_host_says(name: str, content_type: str) -> None:
    body, media_type = FORMATS[name]
    response = answered(body, content_type, output_format=name)
    assert (response.audio, response.media_type) == (body, media_type)
    assert response.usage.characters == 4
    streamed = collect(
        iterate(HttpModel(endpoint()).stream(SpeechRequest(text="おはよう", output_format=name), FakeRuntime([[body]])))
    )
    assert streamed == response


def test_bare_samples_have_the_rate_of_their_model() -> None:
    response = answered(bytes(48_000), "audio/pcm", output_format="pcm")
    assert (response.sample_rate, response.duration) == (24_000, 1.0)


def test_a_wav_file_that_did_not_know_its_end_has_a_length() -> None:
    assert answered(wav(bytes(48_000), 0xFFFFFFFF), output_format="wav").duration == 1.0


ERRORS: dict[str, tuple[bytes, str, type[ModelhubError], str]] = {
    "an error": (
        b'{"error": {"message": "The server had an error", "type": "server_error"}}',
        "application/json",
        ProviderDown,
        "had an",
    ),
    "a page": (b"<html><body>Bad gateway</body></html>", "text/html", AnswerError, "text, and no sound"),
    "other JSON": ('{"message": "静か"}'.encode(), "application/json", AnswerError, "no sound"),
    "nothing": (b"", "audio/mpeg", AnswerError, "no sound"),
    "words": (b"Service temporarily unavailable", "text/plain", AnswerError, "text/plain"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_no_sound_is_an_error(name: str) -> None:
    """An error's body in place of a sound, and an empty sound, are errors; in a stream too, before anything is given."""
    body, content_type, kind, said = ERRORS[name]
    with pytest.raises(kind, match=said):
        answered(body, content_type)
    if content_type != "text/plain":
        with pytest.raises(kind, match=said):
            list(iterate(HttpModel(endpoint()).stream(REQUEST, FakeRuntime([[body[:9], body[9:]]]))))


def test_an_error_among_the_events_breaks_the_stream_with_what_had_come() -> None:
    error = {"error": {"message": "server_error: overloaded"}}
    delta = {"type": "speech.audio.delta", "audio": base64.b64encode(MP3).decode()}
    with pytest.raises(StreamBroken, match="overloaded") as broken:
        list(iterate(HttpModel(endpoint()).stream(REQUEST, FakeRuntime([sse([delta, error])]))))
    assert isinstance(broken.value.partial, SpeechResponse)
    assert (broken.value.partial.audio, broken.value.partial.media_type) == (MP3, "audio/mpeg")
    with pytest.raises(ProviderDown):
        list(iterate(HttpModel(endpoint()).stream(REQUEST, FakeRuntime([sse([error])]))))


@pytest.mark.parametrize(
    "bad", ["{bad", {"type": "speech.audio.delta", "audio": "a"}, {"type": "speech.audio.delta", "audio": 5}, {"error": "x"}]
)
@pytest.mark.parametrize("together", [True, False])
def test_an_event_that_is_none_breaks_the_stream_behind_the_sound_that_came_before_it(bad: Any, together: bool) -> None:
    """AT-C2: an invalid event raises and carries what had come, which was given before, in one piece or in two."""
    pieces = sse([{"type": "speech.audio.delta", "audio": base64.b64encode(MP3).decode()}, bad])
    events = iterate(HttpModel(endpoint()).stream(REQUEST, FakeRuntime([[b"".join(pieces)] if together else pieces])))
    assert next(events) == AudioDelta(MP3)
    with pytest.raises(StreamBroken) as broken:
        next(events)
    assert isinstance(broken.value.partial, SpeechResponse)
    assert broken.value.partial.audio == MP3


@pytest.mark.parametrize("beginning", [b"{\x00", b"<\xff", b"d", b"{" + bytes(9)])
def test_a_sound_may_begin_like_a_text(beginning: bytes) -> None:
    sound = beginning + b"\x01\x02\x83" * 40
    events = iterate(
        HttpModel(endpoint()).stream(SpeechRequest(text="a", output_format="pcm"), FakeRuntime([[sound[:1], sound[1:]]]))
    )
    assert collect(events).audio == sound


class HeldBack:
    """The pieces of a body, of which all but the first wait until they are let go."""

    def __init__(self, *pieces: bytes) -> None:
        self.go = threading.Event()
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for place, piece in enumerate(self.pieces):
            if place:
                assert self.go.wait(10)
            yield piece


def test_the_first_bytes_of_a_sound_arrive_while_the_host_still_holds_the_rest() -> None:
    """AT-N: the first audio byte reaches the caller when the provider's first one came: proved by the order of events."""
    held = HeldBack(MP3[:64], MP3[64:])
    runtime = BlockingRuntime()
    with FaultServer(Reply(headers={"content-type": "audio/mpeg"}, chunks=held)) as server:  # type: ignore[arg-type]
        options = OpenAIOptions(base_url=f"{server.url}/v1", api_key_env=None)
        events = iterate(model("tts-1", options).stream(REQUEST, runtime))
        assert next(events) == AudioDelta(MP3[:64])
        assert not held.go.is_set()
        held.go.set()
        rest = list(events)
    runtime.close()
    assert isinstance(rest[-1], Finished)
    assert rest[-1].response.audio == MP3


def test_the_first_bytes_arrive_early_in_an_event_loop_too() -> None:
    import asyncio

    from modelhub.transport.asynchronous import AsyncRuntime

    async def heard(url: str, held: HeldBack) -> SpeechResponse:
        runtime = AsyncRuntime()
        events = model("tts-1", OpenAIOptions(base_url=url, api_key_env=None)).stream(REQUEST, runtime)
        assert await anext(events) == AudioDelta(MP3[:64])
        held.go.set()
        rest = [event async for event in events]
        await runtime.aclose()
        assert isinstance(rest[-1], Finished)
        return rest[-1].response

    held = HeldBack(MP3[:64], MP3[64:])
    with FaultServer(Reply(chunks=held)) as server:  # type: ignore[arg-type]
        assert asyncio.run(heard(f"{server.url}/v1", held)).audio == MP3


def test_a_sound_that_is_cut_off_breaks_the_stream(runtime: Driven) -> None:
    with FaultServer(Reply(chunks=[MP3[:64], MP3[64:]], fault="cut")) as server:
        asked = model("tts-1", OpenAIOptions(base_url=server.url, api_key_env=None))
        with pytest.raises(StreamBroken) as broken:
            runtime.stream(asked, REQUEST)
    partial: Any = broken.value.partial
    assert partial.audio == MP3[:64]
    assert partial.usage.characters == 4
