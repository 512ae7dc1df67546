"""Pictures as PNG files, with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

__all__ = ["png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(width: int, rows: Iterable[bytes], palette: bytes, texts: Iterable[tuple[str, str]] = ()) -> bytes:
    """A PNG of ``rows``, each of ``width`` bytes that are places in ``palette`` (three bytes a colour).

    ``texts`` are keyword and text, kept in the file as UTF-8 (``iTXt``).
    """
    packer = zlib.compressobj(6)
    packed, height = [], 0
    for row in rows:
        packed.append(packer.compress(b"\x00" + row))
        height += 1
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    notes = b"".join(_chunk(b"iTXt", _note(keyword, text)) for keyword, text in texts)
    body = (_chunk(b"IHDR", header), _chunk(b"PLTE", palette), notes, _chunk(b"IDAT", b"".join(packed)), _chunk(b"IEND", b""))
    return _SIGNATURE + b"".join(body)


def _note(keyword: str, text: str) -> bytes:
    return keyword.encode("latin-1") + b"\x00\x00\x00\x00\x00" + text.encode("utf-8", "replace")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
