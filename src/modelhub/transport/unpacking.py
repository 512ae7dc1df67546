"""Bodies that were compressed on their way."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

__all__ = ["Unpacker", "unpacker"]

_EITHER = zlib.MAX_WBITS | 32
"""The header tells gzip from zlib."""


class Unpacker:
    """Pieces of a compressed body to pieces of what it was. Raises ``zlib.error`` where it is not what it says."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_EITHER)
        self._first = True

    def feed(self, data: bytes) -> bytes:
        """What these bytes unpack to."""
        try:
            return self._inner.decompress(data)
        except zlib.error:
            if not self._first:
                raise
        finally:
            self._first = False
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers' deflate has no header at all
        return self._inner.decompress(data)

    def close(self) -> bytes:
        """What is left at the end."""
        return self._inner.flush()


def unpacker(fields: Iterable[tuple[bytes, bytes]]) -> Unpacker | None:
    """For a body with these headers; ``None`` where it is sent as it is, or packed as nobody asked for."""
    for name, value in fields:
        if name.lower() == b"content-encoding" and value.strip().lower() in (b"gzip", b"deflate"):
            return Unpacker()
    return None
