"""How long a recording is, read off its file without decoding it."""

from __future__ import annotations

import struct

from modelhub.interfaces.media import sniff
from modelhub.sound.wav import read_wav

__all__ = ["after_tag", "mp3_frame", "seconds"]

_BITRATES = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Of MPEG layer III, in thousands of bits a second, by version."""
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_TAIL = 65_536


def seconds(data: bytes) -> float | None:
    """The length of a WAV, MP3, FLAC, MP4 or Ogg file; ``None`` where the file does not tell."""
    try:
        match sniff(data):
            case "audio/wav":
                wav = read_wav(data)
                return None if wav is None or not wav.form.plain else wav.seconds
            case "audio/mpeg":
                return _mp3(data)
            case "audio/flac":
                return _flac(data)
            case "audio/mp4":
                return _mp4(data)
            case "audio/ogg":
                return _ogg(data)
            case _:
                return None
    except (struct.error, IndexError, ValueError, ZeroDivisionError):
        return None


def _mp3(data: bytes) -> float | None:
    """The sum of its frames; bytes that are no frame are passed over."""
    place, total, lost = after_tag(data), 0.0, 0
    while place + 4 <= len(data) and lost < _TAIL:
        length, time = mp3_frame(data, place)
        place, total, lost = place + (length or 1), total + time, 0 if length else lost + 1
    return total or None


def after_tag(data: bytes) -> int:
    """Where the sound of an MP3 file begins. Raises ``ValueError`` where that is not yet to be seen."""
    if data[:3] != b"ID3":
        return 0
    high, upper, lower, low = data[6:10]
    return 10 + (high << 21 | upper << 14 | lower << 7 | low)


def mp3_frame(data: bytes, place: int) -> tuple[int, float]:
    """Bytes and seconds of the layer III frame there; zeros where there is none."""
    sync, second, third = data[place : place + 3]
    version, rate, bitrate = second >> 3 & 3, third >> 2 & 3, third >> 4
    if sync != 0xFF or second & 0xE6 != 0xE2 or version == 1 or rate == 3 or not 0 < bitrate < 15:
        return 0, 0.0
    hertz = _RATES[version][rate]
    samples = 1152 if version == 3 else 576
    bits = _BITRATES[1 if version == 3 else 2][bitrate - 1] * 1000
    return samples // 8 * bits // hertz + (third >> 1 & 1), samples / hertz


def _flac(data: bytes) -> float | None:
    packed = int.from_bytes(data[18:26], "big")
    return (packed & (1 << 36) - 1) / (packed >> 44) or None


def _mp4(data: bytes) -> float | None:
    place = data.find(b"mvhd")
    if place < 0:
        return None
    scale, length = struct.unpack_from(">20xIQ" if data[place + 4] else ">12xII", data, place + 4)
    return length / scale or None


def _ogg(data: bytes) -> float | None:
    """The number of the last sample, over how many there are in a second: Opus counts 48,000 whatever it holds."""
    last, vorbis = data.rfind(b"OggS"), data.find(b"\x01vorbis", 0, 256)
    samples = struct.unpack_from("<q", data, last + 6)[0]
    if b"OpusHead" in data[:256]:
        return samples / 48_000 or None
    return samples / struct.unpack_from("<I", data, vorbis + 12)[0] if vorbis >= 0 else None
