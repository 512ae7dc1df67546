"""``multipart/form-data``, for the operations that take files. The same form gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Form", "Upload", "form_fields"]


class Upload(NamedTuple):
    """A file of a form."""

    field: str
    filename: str
    media_type: str
    data: bytes


class Form(NamedTuple):
    """Fields in their order, a name as often as it is given; then the files."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[Upload, ...] = ()

    def encoded(self) -> tuple[str, bytes]:
        """The content type and the body. The boundary is a hash of what it separates, so that no part can hold it."""
        boundary = self._boundary()
        return f"multipart/form-data; boundary={boundary}", b"".join(self._pieces(boundary.encode()))

    def _boundary(self) -> str:
        hashed = hashlib.sha256(repr(self.fields).encode("utf-8", "backslashreplace"))
        for upload in self.files:
            hashed.update(upload.data)
        return f"modelhub-{hashed.hexdigest()[:32]}"

    def _pieces(self, boundary: bytes) -> Iterator[bytes]:
        for name, value in self.fields:
            yield b'--%s\r\ncontent-disposition: form-data; name="%s"\r\n\r\n' % (boundary, _quoted(name))
            yield value.encode() + b"\r\n"
        for upload in self.files:
            place = (boundary, _quoted(upload.field), _quoted(upload.filename), upload.media_type.encode())
            yield b'--%s\r\ncontent-disposition: form-data; name="%s"; filename="%s"\r\ncontent-type: %s\r\n\r\n' % place
            yield upload.data
            yield b"\r\n"
        yield b"--%s--\r\n" % boundary


def form_fields(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Values as fields of a form: a list gives its field once for each of its items, ``None`` gives none."""
    fields: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, list | tuple):
            fields += [(name if name.endswith("[]") else f"{name}[]", _text(item)) for item in value]
        elif value is not None:
            fields.append((name, _text(value)))
    return tuple(fields)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> bytes:
    """As the HTML standard writes names: quotes and line ends percent-encoded, all else UTF-8."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
