"""Images, sounds and files: bytes or an address, with a media type that is read off the bytes."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from modelhub.errors import InvalidRequest

__all__ = ["AudioPart", "FilePart", "ImagePart", "Media", "extension", "sniff"]

_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/webm": "webm",
    "application/pdf": "pdf",
}

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"\xff\xfa", "audio/mpeg"),
    (0, b"\xff\xe3", "audio/mpeg"),
    (0, b"\xff\xe2", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (4, b"ftyp", "audio/mp4"),
    (0, b"\x1aE\xdf\xa3", "audio/webm"),
    (0, b"%PDF-", "application/pdf"),
)


def sniff(data: bytes) -> str | None:
    """The media type that the first bytes tell, or ``None``. A file's name is not asked: names lie."""
    for offset, magic, media_type in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return media_type
    return None


def extension(media_type: str) -> str:
    """The usual file extension of a media type, without the dot; ``bin`` where there is none."""
    return _EXTENSIONS.get(media_type, "bin")


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes, or the address of some. One of ``data`` and ``url`` is set; ``media_type`` is sniffed where it is not given."""

    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    media_type: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if (self.data is None) == (self.url is None):
            raise InvalidRequest(f"{type(self).__name__} takes either data or url, and exactly one of them.")
        if not isinstance(self.data, bytes | None):
            raise InvalidRequest(f"{type(self).__name__}: data is {type(self.data).__name__}; it must be bytes.")
        if self.data is not None and not self.data:
            raise InvalidRequest(f"{type(self).__name__} has no bytes{f' ({self.name} is empty)' if self.name else ''}.")
        if self.media_type is None and self.data is not None:
            object.__setattr__(self, "media_type", sniff(self.data))

    @classmethod
    def read(cls, source: str | os.PathLike[str] | bytes | BinaryIO) -> Self:
        """From a path, from bytes, or from an open file. Raises ``InvalidRequest`` where it cannot be read or is empty."""
        if isinstance(source, bytes | bytearray | memoryview):
            return cls(data=bytes(source))
        if hasattr(source, "read") and not isinstance(source, str | os.PathLike):
            return cls._drawn(source)
        if not isinstance(source, str | os.PathLike):  # a number would be the descriptor of whatever is open under it
            raise InvalidRequest(f"{cls.__name__} cannot be read from {source!r}: give a path, bytes, or an open file.")
        return cls._opened(source)

    @classmethod
    def _opened(cls, source: Any) -> Self:
        try:
            with open(source, "rb") as file:
                data = file.read()
        except (OSError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidRequest(f"Cannot read {os.fspath(source)!r}: {reason}.") from error
        return cls(data=data, name=os.path.basename(os.fspath(source)))

    @classmethod
    def _drawn(cls, file: BinaryIO) -> Self:
        """What is left in an open file, under its name where it has one."""
        try:
            data: object = file.read()
        except (OSError, ValueError) as error:
            raise InvalidRequest(f"Cannot read {file!r}: {error}.") from error
        if not isinstance(data, bytes):
            raise InvalidRequest(f"{file!r} gives {type(data).__name__}: open it in binary mode.")
        name: object = getattr(file, "name", None)
        return cls(data=data, name=os.path.basename(name) if isinstance(name, str) else None)

    def data_url(self) -> str:
        """The address, or the bytes as a ``data:`` URL."""
        if self.url is not None:
            return self.url
        encoded = base64.b64encode(self.data or b"").decode("ascii")
        return f"data:{self.media_type or 'application/octet-stream'};base64,{encoded}"


class ImagePart(Media):
    """A picture for the model to look at."""

    __slots__ = ()


class AudioPart(Media):
    """A sound for the model to hear."""

    __slots__ = ()


class FilePart(Media):
    """A document for the model to read."""

    __slots__ = ()
