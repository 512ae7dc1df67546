"""Voices in this process: VITS, whose sound depends on the text, the speed, the speaker and a seed."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import modelhub
from modelhub.plugin import AudioDelta, InvalidRequest, SetupError, Unsupported, engines
from modelhub.testing import collect

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

TEXT = "Hello, the lighthouse is lit."


@pytest.fixture(scope="module")
def speaking(made: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    """A client of a tiny voice, made with these changes."""
    with modelhub.Hub({}) as hub:
        yield lambda **changes: hub.speech(f"huggingface:{made('tiny_sound', 'vits', **changes)}")
    engines().close()


def read(audio: bytes) -> tuple[int, bytes]:
    """Rate and samples of a WAV file of one channel, 16 bits."""
    with wave.open(io.BytesIO(audio)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


def test_a_text_becomes_a_sound_of_the_voices_rate(speaking: Callable[..., Any]) -> None:
    response = speaking(rate=22_050).speak(TEXT)
    rate, samples = read(response.audio)
    assert (rate, response.sample_rate, response.media_type) == (22_050, 22_050, "audio/wav")
    assert response.duration == pytest.approx(len(samples) / 2 / rate) == response.usage.audio_seconds
    assert response.usage.characters == len(TEXT)
    assert len(set(samples)) > 50


def test_the_sound_is_what_the_library_makes_of_the_same_noise(speaking: Callable[..., Any], made: Callable[..., str]) -> None:
    import torch
    from transformers import AutoTokenizer, VitsModel

    folder = made("tiny_sound", "vits")
    network = VitsModel.from_pretrained(folder).eval()
    network.noise_scale = network.noise_scale_duration = 0.0
    with torch.inference_mode():
        told = network(**AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")).waveform[0]
    quiet = {"huggingface": {"noise_scale": 0.0, "noise_scale_duration": 0.0}}
    _, samples = read(speaking().speak(TEXT, extra=quiet).audio)
    assert samples == (told.clip(-1, 1) * 32767).round().to(torch.int16).numpy().tobytes()


def test_the_same_text_sounds_the_same_and_another_seed_otherwise(speaking: Callable[..., Any]) -> None:
    voice = speaking()
    first, second = (voice.speak(TEXT).audio for _ in range(2))
    assert first == second
    other = voice.speak(TEXT, extra={"huggingface": {"seed": 7}}).audio
    assert other != first
    assert voice.speak(TEXT, extra={"huggingface": {"seed": 7}}).audio == other


def test_a_knob_that_was_turned_once_is_not_left_so(speaking: Callable[..., Any]) -> None:
    voice = speaking()
    before = voice.speak(TEXT).audio
    assert voice.speak(TEXT, extra={"huggingface": {"noise_scale_duration": 0.0, "speaking_rate": 2.0}}).audio != before
    assert voice.speak(TEXT).audio == before


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_changes_how_long_it_takes(speaking: Callable[..., Any], speed: float) -> None:
    usual, changed = (speaking().speak(TEXT * 4, speed=chosen).duration for chosen in (None, speed))
    assert usual / changed == pytest.approx(speed, rel=0.35)


def test_a_voice_of_another_number_sounds_otherwise(speaking: Callable[..., Any]) -> None:
    voices = speaking(speakers=3)
    sounds = [voices.speak(TEXT, voice=voice).audio for voice in (None, "0", "2")]
    assert sounds[0] == sounds[1] != sounds[2]
    for wrong in ("3", "alloy", "-1"):
        with pytest.raises(InvalidRequest, match="from '0' to '2'"):
            voices.speak(TEXT, voice=wrong)


def test_what_a_single_voice_does_not_heed_is_told(speaking: Callable[..., Any]) -> None:
    response = speaking().speak(TEXT, voice="alloy", language="fr", instructions="Softly.")
    assert {notice.setting for notice in response.notices} == {"voice", "language", "instructions"}


def test_japanese_is_spoken_and_letters_without_a_sound_are_named(speaking: Callable[..., Any]) -> None:
    response = speaking().speak("とうだいは、ひかる。灯台！")
    assert response.duration > 0
    assert [(notice.setting, "灯, 台" in notice.message) for notice in response.notices] == [("text", True)]


@pytest.mark.parametrize("text", ["灯台", "!!!", "…"])
def test_a_text_without_a_sound_is_refused(speaking: Callable[..., Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match="has a sound for"):
        speaking().speak(text)


def test_a_long_text_is_one_file_and_its_pieces_are_whole_sentences(speaking: Callable[..., Any]) -> None:
    """AT-N: long Japanese text is split at its full stops, and the output is one valid file."""
    voice, sentence = speaking(), "とうだいは、よるに、ひかる。"
    text = sentence * 60
    assert len(text) > 2 * voice.model.card.limits["characters"]
    events = list(voice.stream(text))
    response = collect(events)
    rate, samples = read(response.audio.replace(b"\xff\xff\xff\xff", len(response.audio).to_bytes(4, "little")))
    assert response.audio.count(b"RIFF") == 1
    assert len(samples) / 2 / rate == pytest.approx(response.duration, abs=0.01)
    assert b"".join(event.data for event in events if isinstance(event, AudioDelta)) == response.audio
    assert read(voice.speak(text).audio)[1] == samples


def test_bare_samples_have_no_header(speaking: Callable[..., Any]) -> None:
    voice = speaking()
    response = voice.speak(TEXT, output_format="pcm")
    assert response.media_type == "audio/pcm"
    assert response.audio == read(voice.speak(TEXT).audio)[1]


@pytest.mark.parametrize(("form", "media_type"), [("flac", "audio/flac"), ("mp3", "audio/mpeg")])
def test_other_formats_are_made_where_their_library_is_there(
    speaking: Callable[..., Any], form: str, media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile = pytest.importorskip("soundfile", reason='a library makes them: pip install "modelhub-huggingface[sound]"')
    response = speaking().speak(TEXT, output_format=form)
    assert response.media_type == media_type
    assert soundfile.info(io.BytesIO(response.audio)).duration == pytest.approx(response.duration, abs=0.2)
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)  # as if it were not there
    with pytest.raises(SetupError, match=r"modelhub-huggingface\[sound\]"):
        speaking().speak(TEXT, output_format=form)


def test_a_format_that_is_not_made_here_is_refused_with_those_that_are(speaking: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match="gives wav, pcm, flac, mp3"):
        speaking().speak(TEXT, output_format="opus")


@pytest.mark.parametrize(("arguments", "said"), [
    ({"noise_scales": 1}, "Did you mean 'noise_scale'"),
    ({"noise_scale": "much"}, "must be a number"),
    ({"seed": "x"}, "whole number"),
    ({"speaker_id": 1}, "'speaker_id' is no argument"),
])  # fmt: skip
def test_a_wrong_argument_is_refused(speaking: Callable[..., Any], arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        speaking().speak(TEXT, extra={"huggingface": arguments})


def test_a_network_of_another_kind_is_refused(tiny: Callable[..., str]) -> None:
    with modelhub.Hub({}) as hub, pytest.raises(Unsupported, match="GPT2LMHeadModel"):
        hub.speech(f"huggingface:{tiny('gpt2')}")


def test_what_is_spoken_can_be_written_down_by_configuration_alone(made: Callable[..., str]) -> None:
    models = {
        "reader": {"model": f"huggingface:{made('tiny_sound', 'vits')}"},
        "listener": {"model": f"huggingface:{made('tiny_sound', 'whisper')}"},
    }
    with modelhub.Hub({"models": models}) as hub:
        spoken = hub.speech("reader").speak("The lamp will be lit again.")
        heard = hub.transcription("listener").transcribe(spoken.bytes())
    assert heard.duration == pytest.approx(spoken.duration)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_speaks_as_well(made: Callable[..., str], dtype: str) -> None:
    with modelhub.Hub({"providers": {"huggingface": {"dtype": dtype}}}) as hub:
        spoken = hub.speech(f"huggingface:{made('tiny_sound', 'vits')}").speak(TEXT)
        heard = hub.transcription(f"huggingface:{made('tiny_sound', 'whisper')}").transcribe(
            spoken.bytes(), timestamps=["word"]
        )
    assert spoken.duration == pytest.approx(heard.duration)
