"""A file read forwards in pieces: no length that it names is believed before it was held against the file's size."""

from __future__ import annotations

from struct import Struct
from typing import BinaryIO

from modelhub_llama.gguf.faults import GgufError

__all__ = ["LONGEST_HEADER", "LONGEST_TEXT", "Cursor"]

LONGEST_HEADER = 256 << 20
"""Bytes. The largest known vocabularies take about 20 MB."""
LONGEST_TEXT = 16 << 20
_PIECE = 1 << 18
_COUNT = Struct("<Q")


class Cursor:
    """A place in a file. Raises ``GgufError``: ``truncated`` past the file's end, ``absurd`` for what no header holds."""

    __slots__ = ("_at", "_buffer", "_file", "_start", "name", "size")

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self.size = size
        self.name = name
        self._file = file
        self._buffer = b""
        self._start = 0
        self._at = 0

    @property
    def position(self) -> int:
        """Bytes from the file's start."""
        return self._start + self._at

    @property
    def left(self) -> int:
        """Bytes from here to the file's end."""
        return self.size - self.position

    def head(self, count: int) -> bytes:
        """The next bytes, as many as there are, and stay before them."""
        count = min(count, self.left)
        if self._at + count > len(self._buffer):
            self._fill(count)
        return self._buffer[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self._at + count
        if end > len(self._buffer):
            self._fill(count)
            end = self._at + count
        taken = self._buffer[self._at : end]
        self._at = end
        return taken

    def unpack(self, form: Struct) -> tuple[int, ...]:
        """The next numbers."""
        if self._at + form.size > len(self._buffer):
            self._fill(form.size)
        values = form.unpack_from(self._buffer, self._at)
        self._at += form.size
        return values

    def count(self) -> int:
        """A length or a number of things."""
        return self.unpack(_COUNT)[0]

    def text(self) -> bytes:
        """A string: its length, then its bytes."""
        length = self.count()
        if length > self.left:
            raise self.truncated()
        if length > LONGEST_TEXT:
            raise self.absurd(f"a string of {length} bytes")
        return self.take(length)

    def skip(self, count: int) -> None:
        """Go on behind the next ``count`` bytes, which are not read."""
        if count > self.left:
            raise self.truncated()
        self._at += count
        if self._at > len(self._buffer):
            self._move(self.position)

    def skip_texts(self, count: int) -> None:
        """Go on behind ``count`` strings, walking from length to length."""
        if count * 8 > self.left:
            raise self.truncated()
        measure = _COUNT.unpack_from
        while count:
            if self._at + 8 > len(self._buffer):
                self._fill(8)
            buffer, at, last = self._buffer, self._at, len(self._buffer) - 8
            while count and at <= last:
                at += 8 + measure(buffer, at)[0]
                count -= 1
            self.skip(at - self._at)

    def leap_texts(self, count: int) -> bool:
        """Go on behind ``count`` strings, ten times as fast, where that can be; else ``False``, and stay.

        Where each is 1 to 255 bytes long and none holds a zero byte, each length has seven zeros, and there are no others: so
        the last length ends with the zero of number ``7 * count``. It is a guess: what follows has to be read with care.
        """
        start, wanted = self.position, 7 * count
        if count * 8 > self.left:
            raise self.truncated()
        while wanted > 0 and self._more():
            zeros = self._buffer.count(0, self._at)
            if zeros >= wanted:
                self._at = _behind_zero(self._buffer, self._at, wanted)
                if self._ends_a_length():
                    return True
                break
            wanted -= zeros
            self._at = len(self._buffer)
        self._move(start)
        return False

    def _ends_a_length(self) -> bool:
        """Whether the eight bytes before are the length of a string that fits; then go on behind it."""
        if self._at >= 8:
            self._at -= 8
        else:
            self._move(self.position - 8)
        length = self.count()
        if not 0 < length < 256 or length > self.left:
            return False
        self.skip(length)
        return True

    def _more(self) -> bool:
        """Whether there are bytes in the buffer, or can be."""
        if self._at >= len(self._buffer) and self.left:
            self._fill(1)
        return self._at < len(self._buffer)

    def _move(self, position: int) -> None:
        if position > LONGEST_HEADER:
            raise self.absurd(f"more than {LONGEST_HEADER >> 20} MiB of header")
        self._file.seek(position)
        self._buffer, self._start, self._at = b"", position, 0

    def _fill(self, count: int) -> None:
        """Have ``count`` bytes in the buffer."""
        if count > self.left:
            raise self.truncated()
        self._move(self.position)
        while len(self._buffer) < count:
            piece = self._file.read(max(_PIECE, count - len(self._buffer)))
            if not piece:
                raise self.truncated()
            self._buffer += piece

    def truncated(self) -> GgufError:
        """The file ends before what it announces."""
        message = f"the file ends within its header, at {self.size} bytes. Download it again."
        return GgufError(message, file=self.name, reason="truncated")

    def absurd(self, what: str) -> GgufError:
        """The file announces what no model has."""
        message = f"its header names {what} at byte {self.position}: the file is damaged. Download it again."
        return GgufError(message, file=self.name, reason="absurd")


def _behind_zero(piece: bytes, low: int, number: int) -> int:
    """The place behind the zero byte of this number from ``low`` on, found by halves. There are as many."""
    high = len(piece)
    while high - low > 1:
        middle = (low + high) // 2
        zeros = piece.count(0, low, middle)
        if zeros >= number:
            high = middle
        else:
            low, number = middle, number - zeros
    return high
