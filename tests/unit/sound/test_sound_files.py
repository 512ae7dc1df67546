"""What is read off sound files, where they are cut, and how they are put together."""

from __future__ import annotations

import io
import struct
import sys
import wave
from typing import Any

import numpy as np
import pytest

from modelhub.errors import AnswerError, InvalidRequest, TimedOut, Unsupported
from modelhub.interfaces.media import AudioPart
from modelhub.sound.conversion import as_wav
from modelhub.sound.division import divided, exceeds
from modelhub.sound.joining import Joined, finished
from modelhub.sound.lengths import seconds
from modelhub.sound.silence import cuts
from modelhub.sound.wav import ENDLESS, WavForm, read_header, read_wav

FORMS = {
    "8 bits": (1, 1, "u1"),
    "16 bits": (1, 2, "<i2"),
    "24 bits": (1, 3, ""),
    "32 bits": (1, 4, "<i4"),
    "floats": (3, 4, "<f4"),
    "long floats": (3, 8, "<f8"),
    "A-law": (6, 1, ""),
    "µ-law": (7, 1, ""),
}


def written(levels: Any, tag: int, width: int, kind: str, channels: int, rate: int) -> bytes:
    """A WAV file of levels between -1 and 1."""
    spread = np.repeat(np.asarray(levels, np.float64), channels)
    if tag in (6, 7):
        loud = np.round(np.log2(np.abs(spread) * 127 + 1) * 18).astype(np.uint8)
        samples = (loud | np.where(spread < 0, 0x80, 0).astype(np.uint8)) ^ np.uint8(0x55 if tag == 6 else 0xFF)
    elif width == 3:
        samples = np.round(spread * 0x7FFFFF).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    elif tag == 3:
        samples = spread.astype(kind)
    elif width == 1:
        samples = np.round(spread * 127 + 128).astype(np.uint8)
    else:
        samples = np.round(spread * (2 ** (8 * width - 1) - 1)).astype(kind)
    data, frame = samples.tobytes(), width * channels
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, 8 * width)
    listed = struct.pack("<4sI4sI", b"LIST", 4, b"INFO", 0)[:12]
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", 16) + form + listed + struct.pack("<4sI", b"data", len(data)) + data
    whole: bytes = b"RIFF" + struct.pack("<I", len(body)) + body
    return whole


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_any_plain_wav_is_cut_in_the_middle_of_its_silence(form: tuple[int, int, str], channels: int) -> None:
    rate = 8000
    dice = np.random.default_rng(1)
    levels = dice.uniform(0.4, 0.9, 10 * rate) * np.resize([1, -1], 10 * rate)
    levels[int(4.0 * rate) : int(4.6 * rate)] = dice.uniform(-0.004, 0.004, int(0.6 * rate))
    levels[int(3.5 * rate) : int(3.6 * rate)] = 0.0
    wav = read_wav(written(levels, *form, channels, rate))
    assert wav is not None
    assert wav.seconds == 10
    cut = cuts(wav, 5 * rate)[0]
    assert cut.silent
    assert cut.frame / rate == pytest.approx(4.3, abs=0.03)


def test_pieces_of_a_wav_are_the_whole_again() -> None:
    data = written(np.linspace(-1, 1, 8001), 1, 3, "", 1, 8000)
    division = divided(data, {"audio_bytes": 9_000})
    assert division.count > 2
    parts = [division.part(number) for number in range(division.count)]
    with wave.open(io.BytesIO(parts[0].data or b"")) as file:
        assert (file.getsampwidth(), file.getframerate(), file.getnchannels()) == (3, 8000, 1)
    whole = read_wav(data)
    assert whole is not None
    assert b"".join(bytes(read_wav(part.data or b"").samples) for part in parts) == bytes(whole.samples)  # type: ignore[union-attr]


def test_a_model_that_takes_next_to_nothing_is_told_apart_from_one_that_takes_parts() -> None:
    with pytest.raises(InvalidRequest, match="less than a tenth"):
        divided(written(np.zeros(8000), 1, 2, "<i2", 1, 8000), {"audio_bytes": 100})


def mp3(frames: int, second: int = 0xFB, third: int = 0x90) -> bytes:
    """Frames of 128 kbit/s at 44,100 Hz (or what the header's bytes say) after a tag."""
    size = 417 if second == 0xFB else 144
    return b"ID3\x04\x00\x00\x00\x00\x00\x05abcde" + (bytes((0xFF, second, third, 0)) + bytes(size - 4)) * frames


def ogg(codec: bytes, last: int) -> bytes:
    page = b"OggS\x00\x02" + bytes(8) + bytes(12) + b"\x01" + bytes((len(codec),))
    return page + codec + b"OggS\x00\x04" + struct.pack("<q", last) + bytes(12)


LENGTHS = {
    "wav": (written(np.zeros(16_000), 1, 2, "<i2", 1, 8000), 2.0),
    "mp3": (mp3(100), 100 * 1152 / 44_100),
    "mp3, version 2": (mp3(100, 0xF3, 0x44), 100 * 576 / 24_000),
    "mp3 with dirt": (mp3(100) + bytes(99), 100 * 1152 / 44_100),
    "flac": (b"fLaC\x00\x00\x00\x22" + bytes(10) + (44_100 << 44 | 88_200).to_bytes(8, "big") + bytes(16), 2.0),
    "m4a": (b"\x00\x00\x00\x18ftypM4A " + b"mvhd" + struct.pack(">B3xIIII", 0, 0, 0, 1000, 2500) + bytes(80), 2.5),
    "m4a, long form": (b"\x00\x00\x00\x18ftypM4A " + b"mvhd" + struct.pack(">B3xQQIQ", 1, 0, 0, 600, 1500), 2.5),
    "opus": (ogg(b"OpusHead\x01\x01", 96_000), 2.0),
    "vorbis": (ogg(b"\x01vorbis" + struct.pack("<IBI", 0, 1, 32_000), 96_000), 3.0),
}


@pytest.mark.parametrize(("data", "length"), LENGTHS.values(), ids=LENGTHS)
def test_the_length_is_read_off_the_file(data: bytes, length: float) -> None:
    assert seconds(data) == pytest.approx(length)
    assert exceeds(data, {"audio_seconds": int(length) + 1}) is None
    assert "s long" in (exceeds(data, {"audio_seconds": int(length) - 1}) or "")


@pytest.mark.parametrize(
    "data", [b"", b"fLaC", b"OggS", b"ID3", b"....ftypM4A mvhd", b"\x1aE\xdf\xa3webm", b"RIFF....WAVE", b"?"]
)
def test_a_file_that_does_not_tell_its_length_has_none(data: bytes) -> None:
    assert seconds(data) is None
    assert exceeds(data, {"audio_bytes": 10**6, "audio_seconds": 1}) is None


def joined(*files: bytes, cut: int = 7) -> bytes:
    file, whole = Joined(), b""
    for data in files:
        whole += b"".join(file.feed(data[place : place + cut]) for place in range(0, len(data), cut)) + file.next_file()
    return whole


def endless(data: bytes) -> bytes:
    """The same file as one that is still being made."""
    wav = read_wav(data)
    assert wav is not None
    return wav.form.header(ENDLESS) + bytes(wav.samples)


@pytest.mark.parametrize("cut", [1, 7, 44, 100_000])
def test_wav_files_become_one_with_one_header(cut: int) -> None:
    """AT-N: one valid file, a single WAV header; also where the files end in something else, or do not know their end."""
    levels = np.linspace(-0.9, 0.9, 800)
    first, second = (written(part, 1, 2, "<i2", 1, 8000) for part in (levels[:500], levels[500:]))
    for files in ([first, second], [endless(first), endless(second)], [first + b"LIST\x04\0\0\0INFO", second]):
        whole = joined(*files, cut=cut)
        assert whole.count(b"RIFF") == whole.count(b"WAVE") == whole.count(b"data") == 1
        with wave.open(io.BytesIO(finished(whole))) as file:
            assert file.getnframes() == 800
            assert np.frombuffer(file.readframes(800), "<i2").tolist() == np.round(levels * 32767).astype(int).tolist()


@pytest.mark.parametrize("cut", [1, 7, 100_000])
def test_mp3_files_become_one_of_all_their_frames(cut: int) -> None:
    """Titles are left out, and the frame that says how many frames one of the files has."""
    count = b"\xff\xfb\x90\x00" + bytes(32) + b"Info" + bytes(377)
    whole = joined(mp3(3), mp3(4), mp3(0) + count + mp3(2)[15:], cut=cut)
    assert whole == mp3(9)[15:]
    assert seconds(whole) == pytest.approx(9 * 1152 / 44_100)


def test_bare_samples_follow_each_other_to_the_last_byte() -> None:
    assert joined(b"\x00\x01" * 9, b"", b"\x01\x00", b"\x02\x00" * 20) == b"\x00\x01" * 9 + b"\x01\x00" + b"\x02\x00" * 20


def test_files_that_make_no_file_together_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"audio/ogg cannot.*wav, mp3"):
        joined(b"OggS" + bytes(40))
    slow, fast = (written(np.zeros(80), 1, 2, "<i2", 1, rate) for rate in (8000, 16_000))
    with pytest.raises(AnswerError, match="not of one form"):
        joined(slow, fast)
    for mixed in ((slow, mp3(3)), (mp3(3), slow)):
        with pytest.raises(AnswerError, match="different formats"):
            joined(*mixed)
    with pytest.raises(AnswerError, match="within its header"):
        joined(slow[:30])


def test_a_header_tells_an_unknown_end_whichever_way_it_is_written() -> None:
    form = WavForm(1, 1, 8000, 2, 16, struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16))
    for size in (0, ENDLESS):
        found = read_header(form.header(size))
        assert found is not None
        assert found[2] == ENDLESS


@pytest.mark.parametrize("said", [0, 2, 1000, 4000, 2**31, ENDLESS])
def test_no_sound_is_lost_where_a_header_tells_a_wrong_length(said: int) -> None:
    """A recorder that is switched off, or whose file outgrows 32 bits, leaves a length that is not that of the samples."""
    samples = np.arange(1, 2001, dtype="<i2").tobytes()
    form = WavForm(1, 1, 8000, 2, 16, struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16))
    found = read_wav(form.header(said) + samples)
    assert found is not None
    assert bytes(found.samples) == samples


def test_what_follows_the_samples_is_no_sound() -> None:
    samples, listed = b"\1\2" * 501, struct.pack("<4sI4s", b"LIST", 4, b"INFO") + struct.pack("<4sI", b"id3 ", 3) + b"abc\0"
    form = WavForm(1, 1, 8000, 2, 16, struct.pack("<HHIIHH", 1, 1, 8000, 16_000, 2, 16))
    found = read_wav(form.header(len(samples)) + samples + listed)
    assert found is not None
    assert bytes(found.samples) == samples


FFMPEG = """#!/bin/sh
echo "$@" > "$0.said"
if [ -f "$0.fails" ]; then echo "moov atom not found" >&2; exit 1; fi
if [ -f "$0.hangs" ]; then exec sleep 20; fi
cat "$0.wav"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the program that stands for ffmpeg is a script")
def test_ffmpeg_is_given_the_format_and_no_network(tmp_path: Any) -> None:
    program, sound = tmp_path / "ffmpeg", written(np.zeros(160), 1, 2, "<i2", 1, 16_000)
    program.write_text(FFMPEG, encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "ffmpeg.wav").write_bytes(sound)
    assert as_wav(b"ID3...", "audio/mpeg", str(program), 5) == sound
    said = (tmp_path / "ffmpeg.said").read_text(encoding="utf-8")
    assert "-protocol_whitelist file,pipe -f mp3 -i" in said
    assert "-ar 16000" in said
    (tmp_path / "ffmpeg.fails").write_text("", encoding="utf-8")
    with pytest.raises(InvalidRequest, match="moov atom"):
        as_wav(b"....ftyp", "audio/mp4", str(program), 5)
    (tmp_path / "ffmpeg.fails").unlink()
    (tmp_path / "ffmpeg.hangs").write_text("", encoding="utf-8")
    with pytest.raises(TimedOut, match=r"within 0\.2 s"):
        as_wav(b"OggS", "audio/ogg", str(program), 0.2)
    with pytest.raises(InvalidRequest, match="cannot be started"):
        as_wav(b"OggS", "audio/ogg", str(tmp_path / "nothing"), 5)
    with pytest.raises(InvalidRequest, match="not converted"):
        as_wav(b"#EXTM3U", "application/x-mpegurl", str(program), 5)


def test_an_open_file_and_bytes_of_any_sort_are_read(tmp_path: Any) -> None:
    """AT-N: bytes, BytesIO, path."""
    sound = written(np.zeros(160), 1, 2, "<i2", 1, 16_000)
    path = tmp_path / "talk.mp3"
    path.write_bytes(sound)
    with path.open("rb") as file:
        sources: tuple[Any, ...] = (sound, io.BytesIO(sound), path, str(path), file, bytearray(sound))
        parts = [AudioPart.read(source) for source in sources]
    assert {(part.data, part.media_type) for part in parts} == {(sound, "audio/wav")}
    assert [part.name for part in parts] == [None, None, "talk.mp3", "talk.mp3", "talk.mp3", None]
    with pytest.raises(InvalidRequest, match="binary"):
        AudioPart.read(io.StringIO("sound"))  # type: ignore[arg-type]


def test_a_number_is_not_taken_for_an_open_file(tmp_path: Any) -> None:
    with (tmp_path / "other").open("wb") as other:
        with pytest.raises(InvalidRequest, match="path, bytes, or an open file"):
            AudioPart.read(other.fileno())  # type: ignore[arg-type]
        other.write(b"still open")
