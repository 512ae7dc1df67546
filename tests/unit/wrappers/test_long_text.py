"""Long texts: cut where sentences end, spoken in order, one file."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from modelhub.errors import KeyRefused, ModelhubError, Unsupported
from modelhub.interfaces.speech import AudioDelta, SpeechEvent, SpeechRequest, SpeechResponse
from modelhub.model import Finished, ModelCard, Runtime, Usage
from modelhub.retrieval.graphemes import cut_before
from modelhub.retrieval.sentences import sentence_spans
from modelhub.retrieval.tokens import count_tokens
from modelhub.sound.wav import ENDLESS, WavForm
from modelhub.testing.driven import Driven
from modelhub.testing.fake import FakeRuntime
from modelhub.testing.laws import collect
from modelhub.transport.drive import drive, iterate
from modelhub.wrappers.long_text import LongText, Splitter, pieces

FORM = WavForm(1, 1, 24_000, 2, 16, struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 2, 16))
JAPANESE = "吾輩は猫である。名前はまだ無い。「どこで生れたか、とんと見当がつかぬ。」と言った！　本当か？ " * 40


def by_letters(limit: int) -> Splitter:
    return Splitter(sentence_spans, cut_before, ((limit, len),))


@dataclass
class Mouth:
    """Says each letter as one sample, in the format asked for: what was said can be read off the sound."""

    fault_at: int = 0
    endless: bool = True
    asked: list[SpeechRequest] = field(default_factory=list)
    card: ModelCard = ModelCard(model="mouth:letters", kind="speech", limits={"characters": 100})

    async def call(self, request: SpeechRequest, runtime: Runtime) -> SpeechResponse:
        self.asked.append(request)
        if len(self.asked) == self.fault_at:
            raise KeyRefused("No.", status=401)
        assert len(request.text) <= 100
        samples = np.array([ord(letter) for letter in request.text], "<u2").tobytes()
        header = FORM.header(ENDLESS if self.endless else len(samples)) if request.output_format != "pcm" else b""
        return SpeechResponse(
            model="letters",
            audio=header + samples,
            media_type="audio/wav" if header else "audio/pcm",
            duration=len(request.text) / 24_000,
            usage=Usage(characters=len(request.text)),
        )

    async def stream(self, request: SpeechRequest, runtime: Runtime) -> AsyncGenerator[SpeechEvent, None]:
        response = await self.call(request, runtime)
        for place in range(0, len(response.audio), 33):
            yield AudioDelta(response.audio[place : place + 33])
        yield Finished(response)


def said(audio: bytes) -> str:
    with wave.open(io.BytesIO(audio)) as file:
        return "".join(map(chr, np.frombuffer(file.readframes(10**6), "<u2")))


def test_a_long_japanese_text_is_cut_at_the_ends_of_sentences_and_comes_as_one_file(runtime: Driven) -> None:
    """AT-N: long Japanese text split on 。, one valid file with a single WAV header."""
    mouth = Mouth()
    response: SpeechResponse = runtime.call(LongText(mouth, by_letters(100)), SpeechRequest(text=JAPANESE))
    assert all(asked.text.rstrip().endswith(("。", "！", "？", "。」")) for asked in mouth.asked)
    assert len(mouth.asked) <= len(JAPANESE) / 60
    assert said(response.audio) == JAPANESE
    assert response.audio.count(b"RIFF") == response.audio.count(b"data") == 1
    with wave.open(io.BytesIO(response.audio)) as file:
        assert file.getnframes() == len(JAPANESE)
    assert response.usage.characters == len(JAPANESE)
    assert response.duration == pytest.approx(len(JAPANESE) / 24_000)


@pytest.mark.parametrize("endless", [True, False])
def test_a_stream_is_one_file_too(runtime: Driven, endless: bool) -> None:
    events = runtime.stream(LongText(Mouth(endless=endless), by_letters(100)), SpeechRequest(text=JAPANESE))
    response = collect(events)
    assert said(response.audio) == JAPANESE
    assert response.audio.count(b"RIFF") == 1


def test_the_first_sound_comes_before_the_second_piece_is_asked_for() -> None:
    """AT-N: streaming from the first piece on, shown by the order of events."""
    mouth = Mouth()
    events = iterate(LongText(mouth, by_letters(100)).stream(SpeechRequest(text=JAPANESE), FakeRuntime()))
    first = next(events)
    assert isinstance(first, AudioDelta)
    assert len(mouth.asked) == 1
    events.close()


def test_bare_samples_follow_each_other(runtime: Driven) -> None:
    request = SpeechRequest(text=JAPANESE, output_format="pcm")
    called, streamed = (
        runtime.call(LongText(Mouth(), by_letters(100)), request),
        runtime.stream(LongText(Mouth(), by_letters(100)), request),
    )
    assert called == collect(streamed)
    assert "".join(map(chr, np.frombuffer(called.audio, "<u2"))) == JAPANESE


def test_a_short_text_is_sent_as_it_is(runtime: Driven) -> None:
    mouth, request = Mouth(), SpeechRequest(text="短い。", output_format="opus")
    assert runtime.call(LongText(mouth, by_letters(100)), request) == collect(
        runtime.stream(LongText(mouth, by_letters(100)), request)
    )
    assert mouth.asked == [request, request]


def test_a_format_whose_pieces_make_no_file_is_refused_before_anything_is_sent() -> None:
    mouth = Mouth()
    with pytest.raises(Unsupported, match=r"in \d+ pieces.*opus.*wav, mp3, aac, pcm"):
        drive(LongText(mouth, by_letters(100)).call(SpeechRequest(text=JAPANESE, output_format="opus"), FakeRuntime()))
    assert mouth.asked == []


def test_what_was_spoken_before_an_error_is_kept() -> None:
    with pytest.raises(KeyRefused) as failure:
        drive(LongText(Mouth(fault_at=3), by_letters(100), lanes=1).call(SpeechRequest(text=JAPANESE), FakeRuntime()))
    partial: Any = failure.value.partial
    assert 100 < len(said(partial.audio)) <= 200
    assert JAPANESE.startswith(said(partial.audio))
    heard = b""
    with pytest.raises(ModelhubError) as broken:
        for event in iterate(LongText(Mouth(fault_at=3), by_letters(100)).stream(SpeechRequest(text=JAPANESE), FakeRuntime())):
            heard += event.data if isinstance(event, AudioDelta) else b""
    assert said(heard) == said(getattr(broken.value.partial, "audio", b"")) == said(partial.audio)


@pytest.mark.parametrize(
    ("measure", "limit"),
    [(len, 50), (lambda text: len(text.encode()), 120), (count_tokens, 40)],
    ids=["letters", "bytes", "tokens"],
)
@pytest.mark.parametrize(
    "text",
    [
        JAPANESE,
        "Dr. Smith left at 5 p.m. on a train. He came back, tired and late. " * 20,
        "一文がとても長い場合は、読点で、あるいは文字の間で切るほかない" * 20,
        "nospaceswhatsoever" * 50,
        "👩‍🚀🇯🇵é" * 60,
        " \n" * 200 + "end.",
    ],
    ids=["japanese", "english", "one long sentence", "one word", "joined letters", "white space"],
)
def test_pieces_fit_and_are_the_text(text: str, measure: Any, limit: int) -> None:
    """AT-N: by the provider's unit: letters, bytes or tokens."""
    found = pieces(text, Splitter(sentence_spans, cut_before, ((limit, measure),)))
    assert "".join(found).strip() == text.strip()
    assert all(0 < measure(piece) <= limit for piece in found)
    assert all(len(piece) > 4 or piece == found[-1] for piece in found)


@pytest.mark.parametrize("text", ["吾輩は猫である。" * 20_000, "あ" * 160_000], ids=["sentences", "one sentence"])
def test_a_book_is_cut_in_time_that_grows_as_it_does(text: str) -> None:
    measured = []

    def measure(piece: str) -> int:
        measured.append(len(piece))
        return len(piece)

    assert all(
        1000 < len(piece) <= 2000 for piece in pieces(text, Splitter(sentence_spans, cut_before, ((2000, measure),)))[:-1]
    )
    assert sum(measured) < 80 * len(text)


def test_a_long_sentence_is_cut_at_a_pause() -> None:
    found = pieces("ああああああああ、いいいいいいいい、うううううううう。" * 2, by_letters(20))
    assert [piece[-1] for piece in found] == ["、", "。", "、", "。"]
