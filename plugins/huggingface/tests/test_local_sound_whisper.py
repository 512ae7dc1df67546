"""Whisper in this process writes down what the library does: in windows, with times, in the language that is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from modelhub_huggingface.local.hearing import heard
from tiny_sound import RATE, repeated, spoken, tones, wav

import modelhub
from modelhub.plugin import (
    AudioPart,
    InvalidRequest,
    SegmentTranscribed,
    SetupError,
    TimedOut,
    Timeouts,
    TranscriptionResponse,
    Unsupported,
    engines,
)
from modelhub.testing import collect

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

SECONDS = 2
"""What the tiny models hear at a time."""


@pytest.fixture(scope="module")
def listening(made: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    """A client of a tiny Whisper, made with these changes."""
    with modelhub.Hub({}) as hub:
        yield lambda **changes: hub.transcription(f"huggingface:{made('tiny_sound', 'whisper', **changes)}")
    engines().close()


def library(folder: str, sound: bytes, **asked: Any) -> Any:
    """What transformers itself gives for one window."""
    import torch
    from transformers import AutoProcessor, WhisperForConditionalGeneration

    samples = heard(AudioPart(data=sound))

    processor = AutoProcessor.from_pretrained(folder)
    network = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    read = processor.feature_extractor(samples, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
    with torch.inference_mode():
        return network.generate(**read, return_segments=True, force_unique_generate_call=True, **asked), processor.tokenizer


def test_a_short_recording_is_written_down_as_the_library_does_it(
    listening: Callable[..., Any], made: Callable[..., str]
) -> None:
    response = listening().transcribe(wav(tones(1.5)), language="ja")
    told, tokenizer = library(
        made("tiny_sound", "whisper"), wav(tones(1.5)), language="ja", task="transcribe", return_timestamps=False
    )
    tokens = [token for piece in told["segments"][0] for token in piece["tokens"].tolist()]
    assert response.text == tokenizer.decode(tokens, skip_special_tokens=True).strip() != ""
    assert response.usage.output_tokens == len(tokens)
    assert (response.language, response.duration) == ("ja", 1.5)


def test_segments_are_those_of_the_library(listening: Callable[..., Any], made: Callable[..., str]) -> None:
    response = listening().transcribe(wav(tones(SECONDS)), language="fr", timestamps=["segment"])
    told, tokenizer = library(
        made("tiny_sound", "whisper"), wav(tones(SECONDS)), language="fr", task="transcribe", return_timestamps=True
    )
    first = told["segments"][0][0]
    assert response.segments[0].text == tokenizer.decode(first["tokens"], skip_special_tokens=True).strip()
    assert response.segments[0].start == pytest.approx(float(first["start"]), abs=0.001)
    assert response.segments[0].end == pytest.approx(min(float(first["end"]), SECONDS), abs=0.001)


def test_translation_asks_the_model_for_english(listening: Callable[..., Any], made: Callable[..., str]) -> None:
    response = listening().transcribe(wav(tones(1.5)), language="ja", translate=True)
    told, tokenizer = library(
        made("tiny_sound", "whisper"), wav(tones(1.5)), language="ja", task="translate", return_timestamps=False
    )
    tokens = [token for piece in told["segments"][0] for token in piece["tokens"].tolist()]
    assert response.text == tokenizer.decode(tokens, skip_special_tokens=True).strip()


def test_the_language_that_is_heard_is_told(listening: Callable[..., Any]) -> None:
    client = listening()
    response = client.transcribe(wav(tones(1.5)))
    assert response.language in ("en", "ja", "fr")
    assert client.transcribe(wav(tones(1.5)), language=response.language).text == response.text


@pytest.mark.parametrize("language", ["ja", "JA", "ja-JP", "Japanese"])
def test_a_language_goes_by_its_code_or_its_name(listening: Callable[..., Any], language: str) -> None:
    assert listening().transcribe(wav(tones(1)), language=language).language == "ja"


@pytest.mark.parametrize("language", ["xx", "klingon", "german"])
def test_a_language_that_it_does_not_know_is_refused_with_those_it_knows(listening: Callable[..., Any], language: str) -> None:
    with pytest.raises(Unsupported, match="It knows en, fr, ja"):
        listening().transcribe(wav(tones(1)), language=language)


def test_a_model_of_one_language_says_so(listening: Callable[..., Any]) -> None:
    client = listening(many=False)
    assert client.transcribe(wav(tones(1))).text == client.transcribe(wav(tones(1)), language="en").text
    with pytest.raises(Unsupported, match="It knows en"):
        client.transcribe(wav(tones(1)), language="ja")
    with pytest.raises(Unsupported, match="translate"):
        client.transcribe(wav(tones(1)), translate=True)


def test_a_model_that_tells_no_times_is_not_asked_for_any(listening: Callable[..., Any]) -> None:
    client = listening(timed=False)
    assert client.transcribe(wav(tones(3 * SECONDS))).text
    with pytest.raises(Unsupported, match="segment timestamps"):
        client.transcribe(wav(tones(1)), timestamps=["segment"])


def test_times_go_forward_over_all_windows_and_end_with_the_recording(listening: Callable[..., Any]) -> None:
    """AT-N: whatever the model tells."""
    response = listening().transcribe(wav(tones(11)), language="en", timestamps=["segment", "word"])
    assert response.duration == 11.0
    assert len(response.segments) >= 5
    assert len(response.words) >= len(response.segments)
    for times in (response.segments, response.words):
        assert all(piece.start <= piece.end <= 11.0 for piece in times)
        assert all(earlier.start <= later.start for earlier, later in pairwise(times))
    assert response.segments[-1].end > 9.0
    assert response.vtt().count("-->") == len(response.segments)


def test_a_stream_gives_segments_before_all_is_understood(listening: Callable[..., Any]) -> None:
    """The longer a recording is, the more of them come before its end; together they are the response."""
    sound, client = wav(tones(9)), listening()
    stream = client.stream(sound, language="ja", timestamps=["segment"])
    events = list(stream)
    assert len([event for event in events if isinstance(event, SegmentTranscribed)]) >= 4
    called = client.transcribe(sound, language="ja", timestamps=["segment"])
    assert collect(events) == called
    assert stream.response.timing.first_token < stream.response.timing.total / 2


def test_who_is_late_has_what_was_understood_until_then(listening: Callable[..., Any]) -> None:
    client, sound = listening(), repeated(wav(tones(9)), 60)
    client.transcribe(wav(tones(1)))
    with pytest.raises(TimedOut) as caught:
        for _ in client.stream(sound, language="ja", timeouts=Timeouts(total=1.0)):
            pass
    assert isinstance(caught.value.partial, TranscriptionResponse)
    assert caught.value.partial.text
    assert client.transcribe(wav(tones(1)), timeouts=Timeouts(total=5)).text


def test_a_prompt_changes_what_is_written(listening: Callable[..., Any]) -> None:
    client = listening()
    plain, hinted = (client.transcribe(wav(tones(1.5)), language="ja", prompt=prompt) for prompt in (None, "天気の話"))
    assert plain.text != hinted.text
    assert not hinted.notices


def test_a_prompt_that_is_too_long_keeps_its_end_and_says_so(listening: Callable[..., Any]) -> None:
    client = listening()
    long = client.transcribe(wav(tones(1.5)), language="ja", prompt="雨" * 200 + "天気の話")
    assert [notice.setting for notice in long.notices] == ["prompt"]
    with pytest.raises(InvalidRequest, match="prompt"):
        client.transcribe(wav(tones(1.5)), prompt="<|startoftranscript|>")


def test_the_same_seed_gives_the_same_words_at_any_temperature(listening: Callable[..., Any]) -> None:
    client, sound = listening(), wav(tones(1.5))

    def heard(seed: int) -> str:
        text: str = client.transcribe(sound, language="ja", temperature=1.0, extra={"huggingface": {"seed": seed}}).text
        return text

    assert heard(1) == heard(1) != heard(2)


def test_arguments_reach_the_library_and_a_wrong_one_is_refused(listening: Callable[..., Any]) -> None:
    client = listening()
    short = client.transcribe(wav(tones(1.5)), language="ja", extra={"huggingface": {"max_new_tokens": 3}})
    assert short.usage.output_tokens <= 3
    with pytest.raises(InvalidRequest, match="num_beens"):
        client.transcribe(wav(tones(1.5)), extra={"huggingface": {"num_beens": 2}})
    with pytest.raises(InvalidRequest, match="'task'"):
        client.transcribe(wav(tones(1.5)), extra={"huggingface": {"task": "translate"}})


def test_what_is_said_to_other_engines_through_extra_does_no_harm(listening: Callable[..., Any]) -> None:
    told = {"huggingface": {"on_loading": print}, "azure-openai": {"user": "u-1"}}
    assert listening().transcribe(wav(tones(1)), extra=told).text


def test_two_models_listen_beside_each_other(listening: Callable[..., Any], made: Callable[..., str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    engines().close()
    with modelhub.Hub({}) as hub, ThreadPoolExecutor(4) as threads:
        letters = hub.transcription(f"huggingface:{made('tiny_sound', 'ctc')}")
        words = listening()
        alone = words.transcribe(wav(tones(5)), language="ja").text
        many = [threads.submit(words.transcribe, wav(tones(5)), language="ja") for _ in range(4)]
        others = [threads.submit(letters.transcribe, wav(spoken("abc"))) for _ in range(4)]
        assert {one.result().text for one in many} == {alone}
        assert {one.result().text for one in others} == {"abc"}
        assert len(engines().names()) == 2


def test_an_empty_recording_is_refused_and_so_is_an_address(listening: Callable[..., Any]) -> None:
    with pytest.raises(InvalidRequest, match="no sound"):
        listening().transcribe(wav([]))


def test_files_that_lack_weights_are_not_made_up(made: Callable[..., str], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(made("tiny_sound", "whisper"), tmp_path / "whisper")
    weights = load_file(folder / "model.safetensors")
    del weights["model.decoder.layers.1.fc1.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with modelhub.Hub({}) as hub, pytest.raises(SetupError, match=r"lack 1 weights, model\.decoder\.layers\.1\.fc1\.weight"):
        hub.transcription(f"huggingface:{folder}").transcribe(wav(tones(1)))


@pytest.mark.parametrize(("file", "content", "said"), [
    ("model.safetensors", b"\x20\0\0\0\0\0\0\0{}", "no whole safetensors file"),
    ("config.json", b"{", "cannot be read"),
    ("tokenizer.json", b"{", "cannot be loaded"),
    ("model.safetensors", None, "holds no weights"),
])  # fmt: skip
def test_a_damaged_model_says_which_file_it_is(
    file: str, content: bytes | None, said: str, made: Callable[..., str], tmp_path: Path
) -> None:
    folder = shutil.copytree(made("tiny_sound", "whisper"), tmp_path / "whisper")
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with modelhub.Hub({}) as hub, pytest.raises(SetupError, match=said) as caught:
        hub.transcription(f"huggingface:{folder}").transcribe(wav(tones(1)))
    assert str(folder) in str(caught.value)


def test_a_network_of_another_kind_is_refused(tiny: Callable[..., str]) -> None:
    with modelhub.Hub({}) as hub, pytest.raises(Unsupported, match="GPT2LMHeadModel"):
        hub.transcription(f"huggingface:{tiny('gpt2')}")
