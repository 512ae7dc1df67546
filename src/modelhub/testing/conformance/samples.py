"""Small real media for requests: a picture, a sound, a document."""

from __future__ import annotations

import struct
import zlib

from modelhub.interfaces.media import AudioPart, FilePart, ImagePart

__all__ = ["GREETING", "document", "picture", "sound"]

GREETING = "Hello, 世界！ 👩‍🚀 Ünïcödé"
"""English, Japanese, an emoji of several code points, and accents."""


def picture(side: int = 8) -> ImagePart:
    """A grey PNG of ``side`` × ``side`` pixels."""
    rows = (b"\x00" + b"\x80" * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return ImagePart(data=b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, data) for name, data in parts))


def sound(seconds: float = 0.2) -> AudioPart:
    """Silence as WAV: 16 bits, one channel, 16,000 samples a second."""
    data = bytes(2 * int(16_000 * seconds))
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return AudioPart(data=b"RIFF" + struct.pack("<I", len(body)) + body)


def document() -> FilePart:
    """The smallest file that calls itself a PDF."""
    return FilePart(data=b"%PDF-1.4\n%%EOF\n", name="empty.pdf")


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
