"""``starter:espeak`` speaks and ``starter:commands`` understands it, where the extra is installed; the rest runs anywhere."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import struct
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from modelhub_starter.grammar import grammar, phrases
from modelhub_starter.sound import RATE, samples
from modelhub_starter.speech import model as speech
from modelhub_starter.transcription import model as transcription

from modelhub.plugin import (
    AudioPart,
    InvalidRequest,
    PluginMissing,
    SpeechRequest,
    SpeechResponse,
    TranscriptionRequest,
    TranscriptionResponse,
    Unsupported,
)
from modelhub.testing import FakeRuntime
from modelhub.transport.drive import drive

installed = bool(importlib.util.find_spec("espeakng_loader") and importlib.util.find_spec("pocketsphinx"))
needs_speech = pytest.mark.skipif(not installed, reason='the extra is not installed: pip install "modelhub-starter[speech]"')
PHRASES = ("Turn on the light!", "open the door", "close the window", "play some music")


def speak(text: str, **fields: Any) -> SpeechResponse:
    return drive(speech("espeak", None).call(SpeechRequest(text=text, **fields), FakeRuntime()))


def transcribe(data: bytes, **fields: Any) -> TranscriptionResponse:
    request = TranscriptionRequest(**{"audio": AudioPart(data=data), "phrases": PHRASES, **fields})
    return drive(transcription("commands", None).call(request, FakeRuntime()))


def wav(levels: Any, rate: int, width: int = 2, channels: int = 1) -> bytes:
    whole = np.repeat(np.asarray(levels, np.float64), channels)
    if width == 1:
        raw = np.rint(whole * 127 + 128).astype(np.uint8).tobytes()
    else:
        full = np.rint(whole * (2**31 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)
        raw = full[:, 4 - width :].tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(raw)
    return file.getvalue()


@needs_speech
@pytest.mark.parametrize("text", ["Turn on the light.", "こんにちは、せかい。", "Привет, мир"])
def test_the_sound_is_a_wav_file_of_the_stated_length(text: str) -> None:
    response = speak(text)
    with wave.open(io.BytesIO(response.audio)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, response.sample_rate)
        assert file.getnframes() / file.getframerate() == response.duration
        assert np.abs(np.frombuffer(file.readframes(file.getnframes()), "<i2")).max() > 1000


@needs_speech
def test_the_same_text_is_the_same_sound_whatever_was_said_before() -> None:
    first = speak("open the door").audio
    speak("something else, and longer")
    assert speak("open the door").audio == first


@needs_speech
def test_speed_voice_and_language_are_heard() -> None:
    plain, fast = speak("open the door"), speak("open the door", speed=2.0)
    assert plain.duration is not None
    assert fast.duration is not None
    assert fast.duration < 0.7 * plain.duration
    assert len({plain.audio, speak("open the door", voice="en-gb").audio, speak("open the door", language="de").audio}) == 3
    assert speak("你好", language="zh-CN").audio == speak("你好", voice="cmn").audio


@needs_speech
def test_many_tasks_may_speak_at_once() -> None:
    from modelhub.transport.asynchronous import AsyncRuntime

    async def all_of_them() -> list[SpeechResponse]:
        runtime, request = AsyncRuntime(), SpeechRequest(text="open the door")
        try:
            return await asyncio.gather(*(speech("espeak", None).call(request, runtime) for _ in range(8)))
        finally:
            await runtime.aclose()

    assert {response.audio for response in asyncio.run(all_of_them())} == {speak("open the door").audio}


@needs_speech
@pytest.mark.parametrize(
    ("fields", "message"),
    [({"voice": "nobody"}, "no voice 'nobody'"), ({"speed": 9.0}, "speed is 9.0"), ({"output_format": "mp3"}, "not mp3")],
)
def test_what_espeak_lacks_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        speak("hello", **fields)


def test_nothing_to_say_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no text"):
        speak(" ")


@pytest.mark.skipif(installed, reason="the extra is installed")
@pytest.mark.parametrize("call", [lambda: speak("hello"), lambda: transcribe(wav([0.0] * 800, RATE))])
def test_without_the_extra_the_error_says_what_to_install(call: Callable[[], object]) -> None:
    with pytest.raises(PluginMissing, match=r'pip install "modelhub-starter\[speech\]"'):
        call()


@needs_speech
@pytest.mark.parametrize("phrase", PHRASES)
def test_a_spoken_phrase_comes_back_as_the_request_spells_it(phrase: str) -> None:
    assert transcribe(speak(phrase).audio).text == phrase


@needs_speech
def test_times_lie_within_the_sound_and_come_when_asked() -> None:
    spoken = speak("turn on the light")
    response = transcribe(spoken.audio, timestamps=frozenset({"word", "segment"}))
    assert [word.text for word in response.words] == ["turn", "on", "the", "light"]
    assert response.segments[0].text == PHRASES[0]
    assert spoken.duration is not None
    assert all(0 <= word.start <= word.end <= spoken.duration for word in response.words)
    assert transcribe(spoken.audio).words == ()


@needs_speech
def test_the_same_sound_gives_the_same_words_whatever_was_heard_before() -> None:
    sound = speak("close the window").audio
    wanted = frozenset({"word"})
    first = transcribe(sound, timestamps=wanted)
    transcribe(speak("play some music").audio, phrases=("play some music", "stop"))
    assert transcribe(sound, timestamps=wanted) == first


@needs_speech
def test_silence_is_none_of_the_phrases() -> None:
    assert transcribe(wav(np.zeros(RATE), RATE)).text == ""


@needs_speech
@pytest.mark.parametrize("strange", ["open | <x>;", "$(rm) {tag}", "電気をつけて", "qqzzt", "room 42"])
def test_a_phrase_cannot_speak_the_language_of_grammars(strange: str) -> None:
    with pytest.raises(InvalidRequest, match="Not in the English dictionary"):
        transcribe(wav(np.zeros(RATE), RATE), phrases=(strange,))


@needs_speech
def test_free_dictation_is_refused() -> None:
    with pytest.raises(Unsupported, match="free dictation"):
        transcribe(wav(np.zeros(RATE), RATE), phrases=())


@pytest.mark.parametrize("fields", [{"language": "ja"}, {"translate": True}])
def test_other_languages_and_translation_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        transcribe(wav([0.0] * 800, RATE), **fields)


def test_a_grammar_offers_each_phrase_once() -> None:
    spelt = phrases(("Open the door.", "STOP", "open the door"), lambda _: True)
    assert spelt == {"open the door": "Open the door.", "stop": "STOP"}
    assert grammar(list(spelt)).endswith("public <phrase> = open the door | stop;\n")


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 1), (2, 2), (3, 1), (4, 2)])
def test_any_plain_wav_becomes_sixteen_thousand_samples_a_second(rate: int, width: int, channels: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    got = samples(AudioPart(data=wav(tone, rate, width, channels))) / 32767
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(got)) / RATE)
    assert abs(len(got) - RATE) <= 1
    assert np.abs(got - wanted)[200:-200].max() < 0.03


def test_what_is_too_high_is_filtered_not_folded() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 15_000 * np.arange(44_100) / 44_100)
    assert np.abs(samples(AudioPart(data=wav(tone, 44_100))) / 32767)[200:-200].max() < 0.05


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (AudioPart(data=b"ID3\x04 not wav"), "not audio/mpeg"),
        (AudioPart(data=b"\x00\x01\x02\x03" * 9), "bytes of no known format"),
        (AudioPart(data=b"RIFF" + struct.pack("<I", 4) + b"WAVE"), "cannot be read"),
        (AudioPart(url="https://example.com/a.wav"), "not an address"),
    ],
)
def test_what_is_no_wav_is_refused(audio: AudioPart, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        samples(audio)
