"""Long recordings: what is heard in parts is what is heard in the whole. The recordings speak in codes, one code a word."""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelhub.errors import BadRequest, InvalidRequest, KeyRefused, ModelhubError, RateLimited, TimedOut
from modelhub.interfaces.media import AudioPart
from modelhub.interfaces.transcription import (
    Segment,
    SegmentTranscribed,
    TranscriptDelta,
    TranscriptionEvent,
    TranscriptionRequest,
    TranscriptionResponse,
    Word,
)
from modelhub.model import Finished, ModelCard, Runtime, Timeouts, Usage
from modelhub.sound.wav import WavForm, read_wav
from modelhub.testing.driven import Driven
from modelhub.testing.fake import FakeRuntime
from modelhub.testing.laws import collect
from modelhub.transport.drive import drive, iterate
from modelhub.wrappers.long_audio import LongAudio
from modelhub.wrappers.retry import Retry

RATE, SLOT, SLOTS = 8000, 80, 18
WORD = SLOT * SLOTS
LIMITS = {"audio_bytes": 26_214_400, "audio_seconds": 1400}
CARD = ModelCard(model="ear:codes", kind="transcription", limits=LIMITS)


def sounded(number: int) -> Any:
    """A word: a loud slot, sixteen slots that are loud or half as loud, a loud slot."""
    levels = [100, *(100 if number >> bit & 1 else 50 for bit in range(16)), 100]
    return np.repeat(np.array(levels, np.int16), SLOT) * np.resize([1, -1], WORD) + 128


@cache
def recording(seconds: float, silences: bool = True) -> tuple[bytes, tuple[Word, ...]]:
    """A recording (8,000 samples a second of 8 bits) and its words: phrases of ten, pauses between them, noise all over."""
    dice = np.random.default_rng(7)
    samples = np.resize(dice.integers(125, 132, 100_003).astype(np.uint8), int(seconds * RATE))
    words, place = list[Word](), RATE // 2
    while place + WORD < len(samples):
        samples[place : place + WORD] = sounded(len(words))
        words.append(Word(place / RATE, (place + WORD) / RATE, f"w{len(words)}"))
        pause = dice.uniform(0.7, 3.0) if silences and len(words) % 10 == 0 else dice.uniform(0.03, 0.5)
        place += WORD + int(pause * RATE)
    form = WavForm(1, 1, RATE, 1, 8, struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8))
    return form.header(len(samples)) + samples.tobytes(), tuple(words)


def heard(data: bytes) -> Iterator[Word]:
    """The words of a sound; one that was cut comes as ``?``."""
    wav = read_wav(data)
    assert wav is not None
    levels = np.abs(np.frombuffer(wav.samples, np.uint8).astype(np.int16) - 128)
    loud = np.flatnonzero(levels > 25)
    if len(loud) == 0:
        return
    edges = np.flatnonzero(np.diff(loud) > SLOT)
    for first, last in zip(loud[[0, *(edges + 1)]], loud[[*edges, -1]], strict=True):
        whole = last - first + 1 == WORD
        bits = levels[first + SLOT // 2 : first + WORD : SLOT] > 75 if whole else ()
        text = f"w{sum(int(bit) << place for place, bit in enumerate(bits[1:17]))}" if whole else "?"
        yield Word(float(first) / RATE, float(last + 1) / RATE, text)


@dataclass
class Ear:
    """Hears codes, and takes no more than its card says. ``faults`` are raised for the parts asked in that order."""

    faults: dict[int, ModelhubError] = field(default_factory=dict)
    card: ModelCard = CARD
    asked: list[TranscriptionRequest] = field(default_factory=list)

    async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
        self.asked.append(request)
        if (fault := self.faults.pop(len(self.asked), None)) is not None:
            raise fault
        data = request.audio.data or b""
        wav = read_wav(data)
        assert wav is not None
        if len(data) > self.card.limits["audio_bytes"] or wav.seconds > self.card.limits["audio_seconds"]:
            raise BadRequest("That is too long.", status=400)
        words = tuple(heard(data))
        return TranscriptionResponse(
            model="codes",
            text=" " + " ".join(word.text for word in words),
            words=words,
            segments=tuple(phrases(words)),
            duration=wav.seconds,
            usage=Usage(audio_seconds=wav.seconds),
            cost=Decimal("0.1"),
        )

    async def stream(self, request: TranscriptionRequest, runtime: Runtime) -> AsyncGenerator[TranscriptionEvent, None]:
        response = await self.call(request, runtime)
        for piece in re.findall(r"\s*\S+", response.text):
            yield TranscriptDelta(piece)
        for segment in response.segments:
            yield SegmentTranscribed(segment)
        yield Finished(response)


def phrases(words: tuple[Word, ...]) -> Iterator[Segment]:
    said: list[Word] = []
    for word in words:
        if said and word.start - said[-1].end > 0.6:
            yield Segment(said[0].start, said[-1].end, " ".join(each.text for each in said))
            said = []
        said.append(word)
    if said:
        yield Segment(said[0].start, said[-1].end, " ".join(each.text for each in said))


def request(data: bytes, **fields: Any) -> TranscriptionRequest:
    return TranscriptionRequest(audio=AudioPart(data=data, name="meeting.wav"), **fields)


def check(response: TranscriptionResponse, words: tuple[Word, ...], seconds: float) -> None:
    assert [word.text for word in response.words] == [word.text for word in words]
    assert response.text == " ".join(word.text for word in words)
    assert max(abs(got.start - true.start) for got, true in zip(response.words, words, strict=True)) <= 0.001
    timings: tuple[tuple[Word | Segment, ...], ...] = (response.words, response.segments)
    for timed in timings:
        assert all(earlier.end <= later.start for earlier, later in pairwise(timed))
    assert " ".join(segment.text for segment in response.segments) == response.text
    assert response.duration == pytest.approx(seconds)


def test_three_hours_are_heard_without_a_word_lost_or_heard_twice(runtime: Driven) -> None:
    """AT-N: 3 h of WAV, over both limits: cut at silences, asked beside each other, stitched; times do not drift."""
    data, words = recording(3 * 3600)
    assert len(data) > LIMITS["audio_bytes"]
    ear = Ear()
    response = runtime.call(LongAudio(ear), request(data))
    check(response, words, 3 * 3600)
    assert 8 <= len(ear.asked) <= 11
    assert response.usage.audio_seconds == pytest.approx(3 * 3600)
    assert response.cost == Decimal("0.1") * len(ear.asked)
    assert response.notices == ()
    assert response.srt().count("-->") == response.vtt().count("-->") == len(response.segments)
    assert "\n02:5" in response.srt()


@pytest.mark.parametrize(
    "limits", [{"audio_bytes": 300_000}, {"audio_seconds": 20}, {"audio_bytes": 300_000, "audio_seconds": 20}]
)
def test_each_limit_is_kept_to(limits: dict[str, int], runtime: Driven) -> None:
    data, words = recording(120)
    ear = Ear(card=replace(CARD, limits={"audio_bytes": 10**9, "audio_seconds": 10**6, **limits}))
    check(runtime.call(LongAudio(ear), request(data, language="ja", timestamps=frozenset({"word"}))), words, 120)
    assert all(len(asked.audio.data or b"") <= ear.card.limits["audio_bytes"] for asked in ear.asked)
    assert {asked.language for asked in ear.asked} == {"ja"}


def test_what_the_model_takes_whole_is_sent_as_it_is(runtime: Driven) -> None:
    data, _ = recording(120)
    ear = Ear()
    asked = request(data)
    runtime.call(LongAudio(ear), asked)
    runtime.stream(LongAudio(ear), asked)
    assert [each.audio for each in ear.asked] == [asked.audio, asked.audio]


def test_only_the_part_that_failed_is_asked_again(runtime: Driven) -> None:
    """AT-N: resume after a failed part."""
    data, words = recording(120)
    plain, ear = Ear(card=SHORT), Ear(card=SHORT, faults={3: RateLimited("Slow down.", status=429, retry_after=0.0)})
    runtime.call(LongAudio(plain), request(data))
    check(runtime.call(LongAudio(Retry(ear, times=1)), request(data)), words, 120)
    assert len(ear.asked) == len(plain.asked) + 1


def test_an_error_that_remains_carries_what_is_done() -> None:
    """AT-N: the parts that are done are not lost with the one that failed, and no further part is paid for."""
    data, words = recording(120)
    ear = Ear(card=SHORT, faults={3: KeyRefused("No.", status=401)})
    with pytest.raises(KeyRefused) as failure:
        drive(LongAudio(ear, lanes=1).call(request(data), FakeRuntime()))
    partial = failure.value.partial
    assert isinstance(partial, TranscriptionResponse)
    assert [word.text for word in partial.words] == [word.text for word in words[: len(partial.words)]]
    assert 20 < partial.words[-1].end < 40
    assert len(ear.asked) == 3
    assert all(notice.message.startswith("Missing: ") for notice in partial.notices)


def test_a_stream_gives_the_words_part_by_part_with_the_times_of_the_whole(runtime: Driven) -> None:
    data, words = recording(120)
    events = runtime.stream(LongAudio(Ear(card=SHORT)), request(data))
    check(collect(events), words, 120)
    assert collect(events) == runtime.call(LongAudio(Ear(card=SHORT)), request(data))


def test_a_stream_that_fails_later_carries_what_was_said() -> None:
    data, _ = recording(120)
    said = []
    with pytest.raises(KeyRefused) as failure:
        for event in iterate(LongAudio(Ear(card=SHORT, faults={3: KeyRefused("No.")})).stream(request(data), FakeRuntime())):
            said += [event.text] if isinstance(event, TranscriptDelta) else []
    assert getattr(failure.value.partial, "text", None) == "".join(said) != ""


def test_a_cut_where_nobody_is_silent_is_told() -> None:
    noise = np.random.default_rng(3).integers(0, 255, 60 * RATE).astype(np.uint8).tobytes()
    form = WavForm(1, 1, RATE, 1, 8, struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8))
    response = drive(LongAudio(Ear(card=SHORT)).call(request(form.header(len(noise)) + noise), FakeRuntime()))
    assert "cut where nobody is silent" in response.notices[0].message


def test_parts_of_a_japanese_talk_are_joined_without_a_space() -> None:
    @dataclass
    class Listener(Ear):
        async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
            text = ("今日は。", "晴れです。", "Hello.", "Bye.")[len(self.asked)]
            return replace(await super().call(request, runtime), text=text, segments=(Segment(0, 99, text, "A"),))

    data, _ = recording(60)
    response = drive(LongAudio(Listener(card=SHORT), lanes=1).call(request(data), FakeRuntime()))
    assert response.text == "今日は。晴れです。Hello. Bye."
    assert all(earlier.end <= later.start for earlier, later in pairwise(response.segments))
    assert "Speakers" in response.notices[0].message


def test_all_parts_share_the_time_of_the_call() -> None:
    @dataclass
    class Slow(Ear):
        async def call(self, request: TranscriptionRequest, runtime: Runtime) -> TranscriptionResponse:
            await runtime.sleep(4)
            return await super().call(request, runtime)

    data, _ = recording(120)
    slow = Slow(card=SHORT)
    with pytest.raises(TimedOut, match="not over after 10 s") as failure:
        drive(LongAudio(slow).call(request(data, timeouts=Timeouts(total=10)), FakeRuntime()))
    assert [asked.timeouts.total for asked in slow.asked] == [10, 6, 2]
    assert isinstance(failure.value.partial, TranscriptionResponse)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(400_000), "audio/mpeg"),
        (b"\x00\x01\x02\x03" * 100_000, "of no known format"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_way_out(data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    ear = Ear(card=SHORT)
    with pytest.raises(InvalidRequest, match=rf"{reason}.*has 400,\d+ bytes.*WAV.*ffmpeg"):
        drive(LongAudio(ear).call(request(data), FakeRuntime()))
    assert ear.asked == []


def test_compressed_wav_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    form = WavForm(2, 1, RATE, 1024, 4, struct.pack("<HHIIHH", 2, 1, RATE, RATE, 1024, 4))
    with pytest.raises(InvalidRequest, match=r"audio/wav\).*plain samples.*ffmpeg"):
        drive(LongAudio(Ear(card=SHORT)).call(request(form.header(400_000) + bytes(400_000)), FakeRuntime()))


@pytest.mark.skipif(sys.platform == "win32", reason="the program that stands for ffmpeg is a script")
def test_any_other_format_is_made_wav_by_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: Driven) -> None:
    """The program stands for ffmpeg: it gives the recording that the file of another format is said to be."""
    data, words = recording(60)
    program = tmp_path / "ffmpeg"
    told = f"import sys\nsys.stdout.buffer.write(open({str(tmp_path / 'wav')!r}, 'rb').read())\n"
    program.write_text(f"#!{sys.executable}\n{told}", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "wav").write_bytes(data)
    monkeypatch.setenv("PATH", str(tmp_path))
    ear = Ear(card=SHORT)
    check(runtime.call(LongAudio(ear), request(b"fLaC" + bytes(400_000))), words, 60)
    assert len(ear.asked) > 2
    short, _ = recording(10)
    (tmp_path / "wav").write_bytes(short)
    runtime.call(LongAudio(ear), request(b"fLaC" + bytes(400_000)))
    assert ear.asked[-1].audio.data == short


SHORT = replace(CARD, limits={"audio_bytes": 300_000, "audio_seconds": 20})
