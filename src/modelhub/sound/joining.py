"""Sounds one after another, as one file: a single header, and nothing but sound after it."""

from __future__ import annotations

from dataclasses import dataclass, field

from modelhub.errors import AnswerError, Unsupported
from modelhub.interfaces.media import sniff
from modelhub.sound.lengths import after_tag, mp3_frame
from modelhub.sound.wav import ENDLESS, WavForm, read_header, read_wav

__all__ = ["JOINABLE", "Joined", "finished"]

JOINABLE = ("wav", "mp3", "aac", "pcm")
"""The formats of which several files in a row can be one."""
_RUNS = frozenset({"audio/wav", "audio/mpeg", "audio/aac", None})
_LONGEST_HEADER = 1_048_576


@dataclass
class Joined:
    """Takes the bytes of one file after another, as they come, and gives those of the file that they make together.

    Of WAV, a header says that the length is not known yet; ``finished`` puts it in. Of MP3, what stands before the sound is
    left out: titles, and how long one of the files is. Bytes of no known format are taken for bare samples. Raises
    ``Unsupported`` where files of that format cannot follow each other, ``AnswerError`` where one is not of the first's form.
    """

    _form: WavForm | None = None
    _begun: bool = False
    _held: bytearray | None = field(default_factory=bytearray)
    _left: int = ENDLESS

    def next_file(self) -> bytes:
        """What is given next is another file. Gives what was still held back of the one before."""
        rest = self.close()
        self._held, self._begun, self._left = bytearray(), True, ENDLESS
        return rest

    def feed(self, data: bytes) -> bytes:
        """What these bytes add to the whole; nothing, as long as a header is not complete."""
        if self._held is None:
            return self._within(data)
        self._held += data
        if len(self._held) < 12:
            return b""
        return self._opened(bytes(self._held))

    def close(self) -> bytes:
        """The last file has ended: what was held back of it. Raises ``AnswerError`` where it ended within its header."""
        held, self._held = self._held, None
        if held and sniff(bytes(held)) == "audio/wav":
            raise AnswerError("A piece of the sound is a WAV file that ends within its header.", head=bytes(held[:200]))
        return bytes(held or b"")

    def _opened(self, data: bytes) -> bytes:
        """What the beginning of a file adds, once it is clear where its sound begins."""
        kind = sniff(data)
        if kind not in _RUNS:
            message = f"Pieces of {kind} cannot be put together into one file: ask for {', '.join(JOINABLE)}."
            raise Unsupported(message, feature="characters")
        if self._begun and (kind == "audio/wav") != (self._form is not None):
            raise AnswerError("The pieces of the sound are of different formats, so they make no file.", head=data[:200])
        start = self._wav(data) if kind == "audio/wav" else _mp3(data) if kind == "audio/mpeg" else 0
        if start is None:
            if len(data) > _LONGEST_HEADER:
                raise AnswerError("A piece of the sound has a header without an end.", head=data[:200])
            return b""
        self._held = None
        header = self._form.header(ENDLESS) if self._form and not self._begun else b""
        return header + self._within(data[start:])

    def _wav(self, data: bytes) -> int | None:
        found = read_header(data)
        if found is None:
            return None
        form, start, size = found
        if self._form is not None and form.chunk[:16] != self._form.chunk[:16]:
            raise AnswerError("The pieces of the sound are not of one form, so they make no file.", head=data[:200])
        self._form = self._form or form
        self._left = size
        return start

    def _within(self, data: bytes) -> bytes:
        """The bytes that are sound: what follows a WAV file's samples is about it, not of it."""
        if self._left == ENDLESS:
            return data
        sound = data[: self._left]
        self._left -= len(sound)
        return sound


def _mp3(data: bytes) -> int | None:
    """Where the frames begin that are sound: behind tags, and behind a frame that tells how many of them there are."""
    try:
        start = after_tag(data)
    except ValueError:
        return None
    if len(data) < start + 4:
        return None
    length, _ = mp3_frame(data, start)
    if len(data) < start + length:
        return None
    counts = any(mark in data[start : start + min(length, 64)] for mark in (b"Xing", b"Info", b"VBRI"))
    return start + length if counts else start


def finished(data: bytes) -> bytes:
    """The same sound with its length in its header, where it is a WAV file that did not know its end."""
    found = read_header(data)
    wav = read_wav(data) if found and found[2] == ENDLESS else None
    return data if wav is None else wav.piece(0, wav.frames)
