"""AT-N: a recording of whatever format, rate and width is what recognisers hear, or an error says what to do."""

from __future__ import annotations

import io
import math
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from modelhub_huggingface.local.hearing import heard
from tiny_sound import RATE, silence, spoken, tones, wav

from modelhub.plugin import AudioPart, InvalidRequest, SetupError

soxr = pytest.importorskip("soxr", reason='rates are converted by a library: pip install "modelhub-huggingface[sound]"')
soundfile = pytest.importorskip("soundfile", reason='formats are read by a library: pip install "modelhub-huggingface[sound]"')


def alike(samples: Any, wanted: list[float], least: float = 0.999) -> bool:
    """Whether two sounds are the same but for some noise: their correlation, at the best of a few shifts."""
    import numpy as np

    length = min(len(samples), len(wanted)) - 2000
    middle = np.asarray(wanted[1000 : 1000 + length])
    found = max(np.corrcoef(samples[at : at + length], middle)[0, 1] for at in range(900, 1101))
    return bool(found >= least)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_of_any_width_is_the_same_sound(bits: int, channels: int) -> None:
    sound = tones(0.5)
    samples = heard(AudioPart(data=wav(sound, bits=bits, channels=channels)))
    assert len(samples) == len(sound)
    assert max(abs(sample - told) for sample, told in zip(samples.tolist(), sound, strict=True)) < 0.01


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_is_converted_without_a_trace(rate: int) -> None:
    samples = heard(AudioPart(data=wav(tones(1.5, rate), rate, bits=24, channels=2)))
    assert abs(len(samples) - 1.5 * RATE) <= 2
    assert alike(samples, tones(1.5))


def test_what_is_too_high_to_be_heard_does_not_come_back_as_something_lower() -> None:
    whistle = [0.5 * math.sin(2 * math.pi * 11_000 * moment / 44_100) for moment in range(44_100)]
    samples = heard(AudioPart(data=wav(whistle, 44_100)))
    assert float(abs(samples[1000:-1000]).max()) < 0.01


def test_a_long_recording_is_read_piece_by_piece_without_a_seam() -> None:
    rate = 48_000
    sound = [0.3 * math.sin(2 * math.pi * 440 * moment / rate) for moment in range(rate)] * 45  # more than two pieces
    samples = heard(AudioPart(data=wav(sound, rate)))
    assert abs(len(samples) - 45 * RATE) <= 2
    for seam in (round(piece * (1 << 20) / 3) for piece in (1, 2)):
        steps = abs(samples[seam - 50 : seam + 50][1:] - samples[seam - 50 : seam + 50][:-1])
        assert float(steps.max()) <= 0.3 * 2 * math.pi * 440 / RATE * 1.05


@pytest.mark.parametrize(("form", "subtype", "media_type"), [
    ("FLAC", "PCM_24", "audio/flac"),
    ("OGG", "VORBIS", "audio/ogg"),
    ("OGG", "OPUS", "audio/ogg"),
    ("MP3", None, "audio/mpeg"),
    ("WAV", "ULAW", "audio/wav"),
])  # fmt: skip
def test_other_formats_are_read_whatever_their_names_say(
    form: str, subtype: str | None, media_type: str, tmp_path: Path
) -> None:
    file = io.BytesIO()
    soundfile.write(file, tones(1.5), RATE, format=form, subtype=subtype)
    path = tmp_path / "録音.wav"
    path.write_bytes(file.getvalue())
    for source in (path, file.getvalue(), io.BytesIO(file.getvalue())):
        part = AudioPart.read(source)
        assert part.media_type == media_type
        assert alike(heard(part), tones(1.5), least=0.98)


def test_a_recording_without_sound_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no sound"):
        heard(AudioPart(data=wav([])))


def test_a_recording_at_an_address_is_not_fetched() -> None:
    with pytest.raises(InvalidRequest, match="fetch the recording"):
        heard(AudioPart(url="https://example.com/a.wav"))


def test_bytes_that_are_no_sound_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="no recording"):
        heard(AudioPart(data=b"<html>404</html>"))
    with pytest.raises(InvalidRequest, match="no recording"):
        heard(AudioPart(data=b"%PDF-1.4 "))


def test_a_rate_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="3 samples a second"):
        heard(AudioPart(data=wav(silence(0.1), 3)))


def test_a_damaged_file_is_refused() -> None:
    file = io.BytesIO()
    soundfile.write(file, tones(0.5), RATE, format="FLAC")
    with pytest.raises(InvalidRequest, match="damaged"):
        heard(AudioPart(data=file.getvalue()[:20]))


def test_floats_that_are_no_numbers_are_silence() -> None:
    data = wav(silence(0.1), bits=32)
    samples = heard(AudioPart(data=data[:-4] + struct.pack("<f", math.nan)))
    assert not samples.any()


def test_what_only_ffmpeg_reads_says_so_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SetupError, match="ffmpeg"):
        heard(AudioPart(data=b"\0\0\0\x20ftypM4A " + bytes(100)))


def test_ffmpeg_reads_what_the_library_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name takes its place: it gives the same WAV for everything."""
    (tmp_path / "sound.wav").write_bytes(wav(tones(0.5)))
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/sound.wav\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert len(heard(AudioPart(data=b"\0\0\0\x20ftypM4A " + bytes(100)))) == 8000


@pytest.mark.parametrize(("missing", "data"), [
    ("soundfile", b"fLaC" + bytes(100)),
    ("soxr", wav(silence(0.1), 44_100)),
])  # fmt: skip
def test_where_a_library_is_not_installed_the_error_says_how_to_install_it(
    missing: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not there
    with pytest.raises(SetupError, match=r"pip install \"modelhub-huggingface\[sound\]\""):
        heard(AudioPart(data=data))


def test_a_wav_file_of_the_right_rate_needs_no_library() -> None:
    from subprocess import run

    code = (
        "import sys\n"
        "sys.modules.update(soundfile=None, soxr=None, torch=None, transformers=None)\n"
        "from modelhub.plugin import AudioPart\n"
        "from modelhub_huggingface.local.hearing import heard\n"
        "print(len(heard(AudioPart(data=sys.stdin.buffer.read()))))\n"
    )
    done = run([sys.executable, "-c", code], input=wav(spoken("a")), capture_output=True, check=True)
    assert int(done.stdout) == len(spoken("a"))
