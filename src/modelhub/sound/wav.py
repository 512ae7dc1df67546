"""WAV files: what their headers say, pieces cut out of them, and headers of one's own."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["ENDLESS", "Wav", "WavForm", "read_header", "read_wav"]

ENDLESS = 0xFFFFFFFF
"""The length that a header gives where the sound is still being made; every reader then reads to the end."""
_EXTENSIBLE = 0xFFFE
_HEADER = struct.Struct("<HHIIHH")
_WIDTHS = {1: (1, 2, 3, 4), 3: (4, 8), 6: (1,), 7: (1,)}


@dataclass(frozen=True, slots=True)
class WavForm:
    """How the samples are written. ``frame`` is the bytes of one moment, all channels together."""

    tag: int
    channels: int
    rate: int
    frame: int
    bits: int
    chunk: bytes
    """The ``fmt`` chunk's content as it came, so that a piece is told exactly like the whole."""

    @property
    def width(self) -> int:
        """Bytes of one sample of one channel."""
        return self.frame // max(self.channels, 1)

    @property
    def plain(self) -> bool:
        """Whether every moment stands alone in its bytes: PCM, floats, and the two laws of telephony."""
        return self.rate > 0 and self.width in _WIDTHS.get(self.tag, ())

    def header(self, size: int) -> bytes:
        """The header of a file with so many bytes of samples; ``ENDLESS`` where that is not known yet."""
        whole = ENDLESS if size >= ENDLESS - 64 else size + size % 2 + 20 + len(self.chunk)
        form = struct.pack("<4sI", b"fmt ", len(self.chunk)) + self.chunk
        return b"RIFF" + struct.pack("<I", whole) + b"WAVE" + form + struct.pack("<4sI", b"data", min(size, ENDLESS))


@dataclass(frozen=True, slots=True)
class Wav:
    """A WAV file in memory: ``samples`` shares the file's bytes."""

    form: WavForm
    samples: memoryview

    @property
    def frames(self) -> int:
        return len(self.samples) // self.form.frame

    @property
    def seconds(self) -> float:
        return self.frames / self.form.rate

    def piece(self, start: int, end: int) -> bytes:
        """A WAV file of the frames from ``start`` up to ``end``."""
        samples = self.samples[start * self.form.frame : end * self.form.frame]
        return b"".join((self.form.header(len(samples)), samples, b"\0" * (len(samples) % 2)))


def read_wav(data: bytes) -> Wav | None:
    """The file's form and samples; ``None`` where it is no WAV file, or one whose header makes no sense."""
    found = read_header(data)
    if found is None or found[0].frame == 0 or found[0].rate == 0:
        return None
    form, start, size = found
    samples = memoryview(data)[start : _end(data, start + size)]
    return Wav(form, samples[: len(samples) - len(samples) % form.frame])


def _end(data: bytes, said: int) -> int:
    """Where the samples end: where the header says, if chunks follow there. Else nobody came back to put in the length."""
    place = said + said % 2
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        if any(not 32 <= letter < 127 for letter in name) or place + 8 + size > len(data):
            return len(data)
        place += 8 + size + size % 2
    return min(said, len(data))


def read_header(data: bytes) -> tuple[WavForm, int, int] | None:
    """The form, where the samples begin, and how many bytes they are said to be; ``None`` where the header is not all there.

    A length of 0 or ``ENDLESS`` is that of a sound whose end was not known when it began: given as ``ENDLESS``.
    """
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        return None
    form, place = None, 12
    while len(data) >= place + 8:
        name, size = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"data":
            return None if form is None else (form, place, size or ENDLESS)
        if name == b"fmt " and len(data) >= place + max(size, 16):
            form = _form(data[place : place + size])
        place += size + size % 2
    return None


def _form(chunk: bytes) -> WavForm | None:
    if len(chunk) < _HEADER.size:
        return None
    tag, channels, rate, _, frame, bits = _HEADER.unpack_from(chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        tag = struct.unpack_from("<H", chunk, 24)[0]
    return WavForm(tag, channels, rate, frame, bits, chunk)
