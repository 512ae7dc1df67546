"""Recognisers that hear letters, in this process: what is spoken to one that has learnt tones is what it writes down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from leaving import interrupted_after
from tiny_sound import RATE, repeated, spoken, wav

import modelhub
from modelhub.plugin import InvalidRequest, SegmentTranscribed, TimedOut, Timeouts, Unsupported, engines
from modelhub.testing import collect

pytest.importorskip("torch", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')
pytest.importorskip("transformers", reason='models on this machine need it: pip install "modelhub-huggingface[local]"')

WORDS = "abc daf あいb cab fed bead い"
LONG = " ".join([WORDS] * 9)
"""A minute of it: three stretches, whose borders lie in the middle of words."""


@pytest.fixture(scope="module")
def listener(made: Callable[..., str]) -> Iterator[Any]:
    with modelhub.Hub({"models": {"listener": {"model": f"huggingface:{made('tiny_sound', 'ctc')}"}}}) as hub:
        yield hub.transcription("listener")
    engines().close()


@pytest.mark.parametrize("form", [{}, {"rate": 44_100, "bits": 24, "channels": 2}, {"bits": 8}, {"rate": 48_000, "bits": 32}])
def test_what_is_spoken_is_written_down(listener: Any, form: dict[str, int]) -> None:
    if form.get("rate", RATE) != RATE:
        pytest.importorskip("soxr", reason='rates are converted by a library: pip install "modelhub-huggingface[sound]"')
    rate = form.get("rate", RATE)
    response = listener.transcribe(wav(spoken(WORDS, rate), **{"rate": rate, **form}))
    assert response.text == WORDS
    assert response.usage.audio_seconds == response.duration == pytest.approx(len(spoken(WORDS)) / RATE, abs=0.01)
    assert (response.segments, response.words) == ((), ())


def test_half_precision_on_a_processor_is_said_to_be_slow(made: Callable[..., str]) -> None:
    settings = {"providers": {"huggingface": {"dtype": "float16", "device": "cpu"}}}
    with modelhub.Hub(settings) as hub:
        folders = [made("tiny_sound", kind) for kind in ("ctc", "whisper", "vits")]
        told = [hub.transcription(f"huggingface:{folder}").transcribe(wav(spoken(WORDS))) for folder in folders[:2]]
        said = [*told, hub.speech(f"huggingface:{folders[2]}").speak("Hello.")]
    assert [[notice.setting for notice in one.notices] for one in said] == [["dtype"]] * 3


def test_no_word_is_lost_or_doubled_where_two_stretches_meet(listener: Any) -> None:
    response = listener.transcribe(wav(spoken(LONG)), timestamps=["word"])
    assert response.text == LONG
    assert [word.text for word in response.words] == LONG.split()


def test_the_times_of_words_are_those_at_which_they_were_spoken(listener: Any) -> None:
    """AT-N: segment times monotonic, drift of 0.2 s at most."""
    response = listener.transcribe(wav(spoken(LONG)), timestamps=["word", "segment"])
    start = 0.1
    for word, text in zip(response.words, LONG.split(), strict=True):
        assert word.start == pytest.approx(start, abs=0.06)
        assert word.end == pytest.approx(start + len(text) * 0.22, abs=0.12)
        start += len(text) * 0.22 + 0.3
    assert [" ".join(segment.text for segment in response.segments)] == [LONG]
    assert all(segment.end - segment.start <= 7.0 for segment in response.segments)
    assert response.srt().count("-->") == len(response.segments)


def test_a_stream_tells_the_segments_of_the_response(listener: Any) -> None:
    events = list(listener.stream(wav(spoken(WORDS)), timestamps=["segment"]))
    response = collect(events)
    assert response.text == WORDS
    assert tuple(event.segment for event in events if isinstance(event, SegmentTranscribed)) == response.segments


def test_silence_has_no_words(listener: Any) -> None:
    response = listener.transcribe(wav([0.0] * 400), timestamps=["word"])
    assert (response.text, response.words) == ("", ())


def test_a_file_is_read_whatever_it_is_called(listener: Any, tmp_path: Path) -> None:
    path = tmp_path / "会議.mp3"
    path.write_bytes(wav(spoken("あい")))
    assert listener.transcribe(path).text == "あい"


def test_what_it_cannot_do_is_refused_before_it_is_loaded(listener: Any) -> None:
    engines().close()
    with pytest.raises(Unsupported, match="translate"):
        listener.transcribe(wav(spoken("a")), translate=True)
    with pytest.raises(InvalidRequest, match="takes no arguments, and 'num_beams' was given"):
        listener.transcribe(wav(spoken("a")), extra={"huggingface": {"num_beams": 4}})
    assert engines().names() == ()


def test_hints_that_it_does_not_heed_are_told(listener: Any) -> None:
    response = listener.transcribe(wav(spoken("abc")), language="ja", phrases=["abc"], prompt="letters")
    assert {notice.setting for notice in response.notices} == {"language", "phrases", "prompt"}


def hours() -> bytes:
    """What takes many seconds to be written down."""
    return repeated(wav(spoken(WORDS)), 180)


def test_a_call_that_is_late_stops_what_is_computed_for_it(listener: Any) -> None:
    sound = hours()
    with pytest.raises(TimedOut) as caught:
        listener.transcribe(sound, timeouts=Timeouts(total=0.4))
    assert caught.value.phase == "total"
    _answers_at_once(listener)


def test_ctrl_c_stops_what_is_computed(listener: Any) -> None:
    sound = hours()
    with interrupted_after(0.6):
        listener.transcribe(sound)
    _answers_at_once(listener)


def _answers_at_once(listener: Any) -> None:
    before = time.monotonic()
    assert listener.transcribe(wav(spoken("abc"))).text == "abc"
    assert time.monotonic() - before < 2


def test_others_have_their_turn_between_two_stretches(made: Callable[..., str]) -> None:
    async def scene() -> None:
        async with modelhub.AsyncHub({"models": {"listener": {"model": f"huggingface:{made('tiny_sound', 'ctc')}"}}}) as hub:
            listener = hub.transcription("listener")
            await listener.transcribe(wav(spoken("a")))
            long = asyncio.create_task(listener.transcribe(hours()))
            await asyncio.sleep(0.3)
            assert (await listener.transcribe(wav(spoken("fed")))).text == "fed"
            assert not long.done()
            long.cancel()
            with pytest.raises(asyncio.CancelledError):
                await long

    asyncio.run(scene())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_hears_the_same(made: Callable[..., str], dtype: str) -> None:
    with modelhub.Hub({"providers": {"huggingface": {"dtype": dtype}}}) as hub:
        listener = hub.transcription(f"huggingface:{made('tiny_sound', 'ctc')}")
        assert listener.transcribe(wav(spoken(WORDS))).text == WORDS
