"""Transcription: what goes out as a form, what comes back in five forms, and how it streams."""

from __future__ import annotations

import email
import email.policy
import io
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from modelhub_openai.languages import code
from modelhub_openai.options import OpenAIOptions
from modelhub_openai.quirks import Quirks
from modelhub_openai.site import host
from modelhub_openai.transcriptions import Transcription, model

from modelhub.plugin import (
    AnswerError,
    AudioPart,
    BadRequest,
    Headers,
    HttpModel,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    ModelhubError,
    Segment,
    StreamBroken,
    TranscriptDelta,
    TranscriptionRequest,
    TranscriptionResponse,
    Unreachable,
    Word,
)
from modelhub.testing import (
    Driven,
    FakeRuntime,
    FaultServer,
    Recording,
    Reply,
    TranscriptionEndpointConformance,
    collect,
    drive,
    sse,
)
from modelhub.testing.conformance.samples import sound
from modelhub.transport.drive import iterate

SHORT = {
    "text": "鍵は毎月更新します。",
    "usage": {
        "type": "tokens",
        "input_tokens": 14,
        "input_token_details": {"text_tokens": 10, "audio_tokens": 4},
        "output_tokens": 45,
        "total_tokens": 59,
    },
}
VERBOSE = {
    "task": "transcribe",
    "language": "japanese",
    "duration": 3.470000028610229,
    "text": "鍵は毎月更新します。",
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 1.5,
            "text": " 鍵は毎月",
            "tokens": [50364],
            "avg_logprob": -0.28,
            "no_speech_prob": 0.01,
        },
        {"id": 1, "seek": 0, "start": 1.5, "end": 3.25, "text": "更新します。", "tokens": [], "temperature": 0.0},
    ],
    "words": [{"word": "鍵", "start": 0.0, "end": 0.5}, {"word": "は", "start": 0.5, "end": 0.75}],
    "usage": {"type": "duration", "seconds": 4},
}
DIARIZED = {
    "task": "transcribe",
    "duration": 7.5,
    "text": "A: Hello.\nB: はい。",
    "segments": [
        {"type": "transcript.text.segment", "id": "seg_1", "start": 0.0, "end": 4.5, "text": "Hello.", "speaker": "A"},
        {"type": "transcript.text.segment", "id": "seg_2", "start": 4.5, "end": 7.25, "text": "はい。", "speaker": "B"},
    ],
    "usage": {"type": "duration", "seconds": 8},
}
DELTAS = sse(
    [
        {"type": "transcript.text.delta", "delta": "鍵は", "logprobs": []},
        {"type": "transcript.text.delta", "delta": "毎月更新します。"},
        {"type": "transcript.text.done", **SHORT},
    ]
)


def body(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


class Conformance(TranscriptionEndpointConformance):
    def endpoint(self) -> Transcription:
        return Transcription(host(OpenAIOptions(api_key=self.secret)), self.model_id.partition(":")[2])


class TestTranscription(Conformance):
    model_id = "openai:gpt-4o-transcribe"
    faults = ((400, {"error": {"message": "Audio file might be corrupted", "code": "invalid_value"}}, BadRequest),)
    recordings: ClassVar[Sequence[Recording]] = (
        Recording(
            name="short",
            response=body(SHORT),
            chunks=b"".join(DELTAS),
            answer={"text": SHORT["text"], "usage": {"input_tokens": 14, "output_tokens": 45, "audio_seconds": None}},
        ),
    )


class TestWhisper(Conformance):
    model_id = "openai:whisper-1"
    recordings: ClassVar[Sequence[Recording]] = (
        Recording(
            name="verbose",
            response=body(VERBOSE),
            chunks=body(VERBOSE),
            chunks_type="application/json",
            answer={
                "text": "鍵は毎月更新します。",
                "language": "ja",
                "duration": 3.470000028610229,
                "usage": {"audio_seconds": 4, "input_tokens": None},
                "segments": [
                    {"start": 0.0, "end": 1.5, "text": "鍵は毎月"},
                    {"start": 1.5, "end": 3.25, "text": "更新します。"},
                ],
                "words": [{"text": "鍵", "start": 0.0, "end": 0.5}, {"text": "は"}],
            },
        ),
    )

    def test_a_connection_lost_in_the_middle_breaks_the_stream(self) -> None:
        """Nothing has been given before the end, so the call failed as a whole."""
        half = body(VERBOSE)[:99]
        with pytest.raises(Unreachable):
            list(iterate(self.wired().stream(self.request(), FakeRuntime([[half, Unreachable("Lost.")]]))))


class TestDiarization(Conformance):
    model_id = "openai:gpt-4o-transcribe-diarize"
    recordings: ClassVar[Sequence[Recording]] = (
        Recording(
            name="speakers",
            response=body(DIARIZED),
            answer={
                "text": "A: Hello.\nB: はい。",
                "segments": [{"speaker": "A"}, {"speaker": "B", "end": 7.25}],
                "usage": {"audio_seconds": 8},
            },
        ),
    )

    def request(self) -> TranscriptionRequest:
        """Its segments come unasked, so to ask for them makes no difference."""
        return TranscriptionRequest(audio=sound(), timestamps=frozenset({"segment"}))

    def model(self) -> Any:
        streamed = [*DIARIZED["segments"], {"type": "transcript.text.done", **DIARIZED}]  # type: ignore[misc]
        whole = Recording(name="speakers", response=body(DIARIZED), chunks=b"".join(sse(streamed)))
        from modelhub.testing.conformance.endpoint import Played

        return Played(self.wired(), whole)


class TestTranscriptionOfAnUnknownModel(Conformance):
    model_id = "openai:parakeet"
    recordings: ClassVar[Sequence[Recording]] = (Recording(name="text", response=body({"text": "hi"}), answer={"text": "hi"}),)

    def test_a_stream_collects_to_what_call_gives(self, runtime: Driven) -> None:
        """There is nothing streamed to collect."""

    test_a_stream_finishes_once_and_its_pieces_join_to_the_answer = test_a_stream_collects_to_what_call_gives
    test_a_stream_is_the_same_every_time = test_a_stream_collects_to_what_call_gives
    test_an_abandoned_stream_closes = test_a_stream_collects_to_what_call_gives
    test_nothing_is_dropped_in_silence = test_a_stream_collects_to_what_call_gives  # it takes what it is not known to lack


WAV = sound().data or b""
SOUNDS = {
    "wav": (WAV, "wav", "audio/wav"),
    "mp3": (b"ID3\x04\x00" + bytes(40), "mp3", "audio/mpeg"),
    "mp3 without a tag": (b"\xff\xfb\x90\x00" + bytes(40), "mp3", "audio/mpeg"),
    "m4a": (b"\x00\x00\x00\x18ftypM4A " + bytes(40), "m4a", "audio/mp4"),
    "flac": (b"fLaC\x00" + bytes(40), "flac", "audio/flac"),
    "ogg": (b"OggS\x00" + bytes(40), "ogg", "audio/ogg"),
    "webm": (b"\x1aE\xdf\xa3" + bytes(40), "webm", "audio/webm"),
}


def endpoint(name: str = "whisper-1", **options: Any) -> Transcription:
    return Transcription(host(OpenAIOptions(api_key_env=None, **options)), name)


def form(sent: HttpRequest) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """Fields and files, as the standard library reads them."""
    header = f"content-type: {sent.headers['content-type']}\r\n\r\n".encode()
    message: Any = email.message_from_bytes(header + (sent.body or b""), policy=email.policy.HTTP)
    fields: dict[str, list[str]] = {}
    files = {}
    for part in message.iter_parts():
        named = part.get_param("name", header="content-disposition")
        if part.get_filename():
            files[named] = (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        else:
            fields.setdefault(named, []).append(part.get_payload(decode=True).decode())
    return fields, files


def written(asked: Transcription, stream: bool = False, **fields: Any) -> dict[str, list[str]]:
    return form(asked.build(TranscriptionRequest(**{"audio": sound(), **fields}), stream=stream))[0]


@pytest.mark.parametrize("called", ["talk.mp3", "talk.wav", "talk", "音声.bin", None])
@pytest.mark.parametrize("name", SOUNDS)
def test_a_file_is_named_for_what_its_bytes_are(name: str, called: str | None, tmp_path: Path) -> None:
    """AT-N: bytes, BytesIO and paths of wav, mp3, m4a, flac, ogg, webm, wrong extension -> right filename and content type."""
    data, suffix, media_type = SOUNDS[name]
    sources: list[Any] = [data, io.BytesIO(data)]
    if called:
        path = tmp_path / called
        path.write_bytes(data)
        sources += [path, str(path)]
    for source in sources:
        sent = endpoint().build(TranscriptionRequest(audio=AudioPart.read(source)), stream=False)
        assert form(sent)[1] == {"file": (f"audio.{suffix}", media_type, data)}


def test_a_file_of_no_known_format_goes_by_what_is_said_of_it() -> None:
    def named(**part: Any) -> tuple[str, str]:
        sent = endpoint().build(TranscriptionRequest(audio=AudioPart(data=b"\x00\x01 strange", **part)), stream=False)
        name, media_type, _ = form(sent)[1]["file"]
        return name, media_type

    assert named(media_type="audio/webm;codecs=opus") == ("audio.webm", "audio/webm")
    assert named(name="a.MPGA") == ("audio.mpga", "audio/mpeg")
    for part in ({}, {"name": "a.txt"}, {"media_type": "text/plain"}):
        with pytest.raises(InvalidRequest, match=r"no sound of a known format.*flac, m4a, mp3"):
            named(**part)
    with pytest.raises(InvalidRequest, match="address"):
        endpoint().build(TranscriptionRequest(audio=AudioPart(url="https://example.com/a.wav")), stream=False)


def test_the_answer_is_asked_for_in_the_form_that_has_what_is_wanted() -> None:
    assert written(endpoint()) == {"model": ["whisper-1"], "response_format": ["json"]}
    both = written(endpoint(), timestamps=frozenset({"word", "segment"}))
    assert both["response_format"] == ["verbose_json"]
    assert both["timestamp_granularities[]"] == ["segment", "word"]
    speakers = written(endpoint("gpt-4o-transcribe-diarize"), timestamps=frozenset({"segment"}))
    assert (speakers["response_format"], speakers["chunking_strategy"]) == (["diarized_json"], ["auto"])
    assert "timestamp_granularities[]" not in speakers
    assert "response_format" not in written(endpoint(quirks=Quirks(omit=("response_format",))))


def test_only_models_that_stream_are_asked_to() -> None:
    assert "stream" not in written(endpoint(), stream=True)
    assert written(endpoint("gpt-4o-mini-transcribe"), stream=True)["stream"] == ["true"]
    assert written(endpoint("parakeet"), stream=True)["stream"] == ["true"]


def test_phrases_are_a_hint_behind_the_prompt_or_in_a_field_of_their_own() -> None:
    hints: dict[str, Any] = {"prompt": "会議の記録。", "phrases": ("鍵", "更新"), "language": "ja-JP", "temperature": 0.25}
    fields = written(endpoint(), **hints)
    assert fields["prompt"] == ["会議の記録。 鍵, 更新"]
    assert (fields["language"], fields["temperature"]) == (["ja"], ["0.25"])
    own = written(endpoint("gpt-transcribe"), **hints)
    assert (own["prompt"], own["keywords[]"], own["languages[]"]) == (["会議の記録。"], ["鍵", "更新"], ["ja"])
    assert "language" not in own


def test_what_only_this_provider_knows_is_written_as_fields() -> None:
    extra = {
        "openai": {"include": ["logprobs"], "chunking_strategy": "auto", "response_format": "srt", "stream": False, "x": None}
    }
    fields = written(endpoint(), extra=extra)
    assert fields["include[]"] == ["logprobs"]
    assert (fields["response_format"], fields["stream"]) == (["srt"], ["false"])
    assert "x" not in fields


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("en-US", "en"),
        ("ja_JP", "ja"),
        ("Japanese", "ja"),
        ("english", "en"),
        ("zh-Hant-TW", "zh"),
        ("yue", "yue"),
        ("日本語", "日本語"),
    ],
)
def test_languages_have_one_name(given: str, plain: str) -> None:
    assert code(given) == plain


def test_a_translation_goes_elsewhere_and_says_what_it_leaves_out() -> None:
    asked = TranscriptionRequest(audio=sound(), translate=True, language="de")
    runtime = FakeRuntime([HttpResponse(200, Headers(), body({"text": "Hello, 世界"}))])
    response = drive(HttpModel(endpoint()).call(asked, runtime))
    assert runtime.requests[0].url == "https://api.openai.com/v1/audio/translations"
    assert "language" not in form(runtime.requests[0])[0]
    assert [notice.setting for notice in response.notices] == ["language"]


def read(data: str | bytes, content_type: str = "application/json") -> TranscriptionResponse:
    raw = data.encode() if isinstance(data, str) else data
    return endpoint().parse(HttpResponse(200, Headers({"content-type": content_type}), raw))


SRT = "1\r\n00:00:00,500 --> 00:00:02,000\r\n鍵は\r\n毎月\r\n\r\n2\r\n00:01:02,000 --> 01:00:03,250\r\n更新します。\r\n"
VTT = "WEBVTT\n\n00:00.500 --> 00:02.000 align:start\n鍵は 毎月\n\n00:01:02.000 --> 01:00:03.250\n更新します。\n"


@pytest.mark.parametrize(("text", "kind"), [(SRT, "text/plain; charset=utf-8"), (VTT, "text/plain"), (VTT, "text/vtt")])
def test_subtitles_are_read_as_segments(text: str, kind: str) -> None:
    """AT-N: srt, vtt and verbose_json from any backend with segments."""
    response = read(text, kind)
    assert response.segments == (Segment(0.5, 2.0, "鍵は 毎月"), Segment(62.0, 3603.25, "更新します。"))
    assert response.text == "鍵は 毎月 更新します。"
    assert "01:00:03,250" in response.srt()
    assert response.vtt().startswith("WEBVTT\n\n00:00:00.500 --> 00:00:02.000\n")


def test_bare_text_is_the_text() -> None:
    assert read("今日は晴れ。\n", "text/plain").text == "今日は晴れ。"
    assert read("{not json} he said", "text/plain").text == "{not json} he said"
    assert read(b"", "text/plain").text == read("WEBVTT\n\n", "text/vtt").text == ""
    assert read('{"text": "JSON all the same"}', "text/plain").text == "JSON all the same"


def test_an_answer_may_lack_and_have_what_it_likes() -> None:
    strange: dict[str, Any] = {
        "text": "",
        "language": None,
        "duration": "8.5",
        "segments": [None, {"text": "no times"}, {"start": "1", "end": 0.5, "text": None, "speaker": ""}],
        "words": [{"text": "a", "start": 0, "end": 1, "probability": 0.5}, {"word": "b", "start": None, "end": 2}],
        "usage": None,
        "x_new": {},
    }
    response = read(body(strange))
    assert (response.text, response.language, response.duration) == ("", None, 8.5)
    assert response.segments == (Segment(1.0, 1.0, ""),)
    assert response.words == (Word(0.0, 1.0, "a", 0.5),)
    assert response.usage.audio_seconds == 8.5
    assert read(body({"text": "x", "languages": [{"code": "ja"}]})).language == "ja"


@pytest.mark.parametrize(
    "odd",
    [{"usage": [1]}, {"usage": "many"}, {"segments": 3, "words": 5}, {"segments": {"a": 1}, "duration": [], "language": 4}],
)
def test_nonsense_beside_the_text_does_not_cost_the_text(odd: dict[str, Any]) -> None:
    """AT-E3: a good answer is not thrown away for a member that nobody needs."""
    assert read(body({"text": "晴れ", **odd})).text == "晴れ"
    done = {"type": "transcript.text.done", "text": "晴れ", **odd}
    assert collect(streamed(*sse([{"type": "transcript.text.delta", "delta": 4}, done]))).text == "晴れ"


@pytest.mark.parametrize(
    ("data", "kind", "error"),
    [
        ("{}", "application/json", AnswerError),
        ('{"text": "cut', "application/json", AnswerError),
        ("<html>", "text/html", AnswerError),
        ('{"error": {"message": "rate limit", "code": 429}}', "application/json", ModelhubError),
    ],
)
def test_what_is_no_transcript_is_an_error(data: str, kind: str, error: type[ModelhubError]) -> None:
    with pytest.raises(error):
        read(data, kind)
    with pytest.raises(ModelhubError):
        streamed(data.encode())


def streamed(*pieces: bytes, name: str = "gpt-4o-transcribe") -> list[Any]:
    return list(iterate(HttpModel(endpoint(name)).stream(TranscriptionRequest(audio=sound()), FakeRuntime([pieces]))))


def test_words_come_as_they_are_understood() -> None:
    events = streamed(*DELTAS)
    assert events[:2] == [TranscriptDelta("鍵は"), TranscriptDelta("毎月更新します。")]
    assert collect(events).usage.output_tokens == 45
    assert collect(events).provider_metadata == {"input_token_details": {"text_tokens": 10, "audio_tokens": 4}}


@pytest.mark.parametrize("told", ["鍵は毎月更新します。", "鍵は毎月", "", "another story"])
def test_the_pieces_and_the_whole_tell_one_story(told: str) -> None:
    deltas = [{"type": "transcript.text.delta", "delta": told}] if told else []
    response = collect(streamed(*sse([{"type": "new.event"}, *deltas, {"type": "transcript.text.done", **SHORT}, "[DONE]"])))
    assert response.text == (told if told == "another story" else SHORT["text"])


def test_a_model_that_does_not_stream_gives_all_at_once() -> None:
    data = body(VERBOSE)
    events = streamed(b"\xef\xbb\xbf\n", data[:50], data[50:], name="whisper-1")
    assert collect(events).language == "ja"
    with pytest.raises(StreamBroken):
        streamed(data[:50], name="whisper-1")


def test_speakers_are_told_as_they_come() -> None:
    pieces: list[Any] = [*DIARIZED["segments"], {"type": "transcript.text.done", "text": DIARIZED["text"]}]  # type: ignore[misc]
    response = collect(streamed(*sse(pieces), name="gpt-4o-transcribe-diarize"))
    assert [segment.speaker for segment in response.segments] == ["A", "B"]


def test_an_error_in_the_stream_keeps_what_was_said() -> None:
    error = {"type": "error", "error": {"message": "server_error"}}
    with pytest.raises(StreamBroken) as broken:
        streamed(*DELTAS[:1], *sse([error]))
    assert getattr(broken.value.partial, "text", None) == "鍵は"


@pytest.mark.parametrize("name", ["gpt-4o-transcribe", "gpt-4o-mini-transcribe-2025-12-15", "whisper-1"])
def test_a_long_recording_is_over_the_limits_of_the_card(name: str) -> None:
    limits = endpoint(name).card.limits
    assert limits["audio_bytes"] == 25 * 1024 * 1024
    assert limits.get("audio_seconds") == (1400 if "gpt" in name else None)


def test_a_recording_in_parts_goes_over_the_wire_part_by_part(runtime: Driven) -> None:
    """AT-N: split at silence, stitched, and only what failed asked again, with a server between."""
    from dataclasses import replace

    from modelhub.wrappers.description import Description
    from modelhub.wrappers.long_audio import LongAudio

    def answer(received: Any) -> Reply:
        head = HttpRequest("POST", "", {"content-type": received.headers["content-type"]}, received.body)
        _, _, data = form(head)[1]["file"]
        seconds = (len(data) - 44) / 16_000
        level = max(data[44:])
        word = {"word": f"w{level}", "start": 0.0, "end": seconds}
        return Reply(
            json={"text": f"w{level}", "duration": seconds, "words": [word], "segments": [{**word, "text": f"w{level}"}]}
        )

    samples = b"".join(bytes([level, 0] * 16_000) + bytes(8_000) for level in range(10, 70, 10))
    data = (
        b"RIFF"
        + struct.pack("<I", 36 + len(samples))
        + b"WAVEfmt \x10\0\0\0"
        + struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16)
    )
    data += b"data" + struct.pack("<I", len(samples)) + samples
    with FaultServer(answer) as server:
        inner = model("whisper-1", OpenAIOptions(base_url=server.url, api_key_env=None))
        short = Description(inner, replace(inner.card, limits={"audio_seconds": 3}))
        response = runtime.call(
            LongAudio(short), TranscriptionRequest(audio=AudioPart(data=data), timestamps=frozenset({"word"}))
        )
        assert len(server.requests) == 6
    assert response.text == "w10 w20 w30 w40 w50 w60"
    assert [round(word.start) for word in response.words] == [0, 2, 5, 7, 10, 12]
    assert response.srt().count("-->") == 6
