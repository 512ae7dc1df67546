"""What a GGUF file says of itself: its metadata and the names and shapes of its tensors, without a byte of its weights.

The format is in ggml's docs/gguf.md: ``GGUF``, version, two counts, key-value pairs, then a line for each tensor.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import prod
from struct import Struct
from typing import Any, NamedTuple

from modelhub_llama.gguf.cursor import Cursor
from modelhub_llama.gguf.faults import GgufError, foreign

__all__ = ["Array", "Header", "Tensor", "read"]


class Array(NamedTuple):
    """A long list that was left out: how many items it has, of which of GGUF's types."""

    length: int
    item: int


class Tensor(NamedTuple):
    """One tensor: shape with the fastest dimension first, ``kind`` is ggml's number, ``offset`` counts from the first."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """A file's own account. ``metadata`` holds text, numbers, truth values, short lists as tuples, ``Array`` for long ones."""

    file: str
    version: int
    metadata: Mapping[str, Any] = field(repr=False)
    tensors: tuple[Tensor, ...] = field(repr=False)
    file_bytes: int
    header_bytes: int
    """Where the weights begin, before alignment."""

    def text(self, key: str) -> str | None:
        """A value that is text and not empty."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None

    def number(self, key: str) -> int | None:
        """A value that is a whole number."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A short list of texts, or a single one."""
        value = self.metadata.get(key)
        found = (value,) if isinstance(value, str) else value if type(value) is tuple else ()
        return tuple(item for item in found if isinstance(item, str))

    def own(self, key: str) -> Any:
        """What the architecture's own key holds: ``own("context_length")`` is ``llama.context_length`` of a llama."""
        return self.metadata.get(f"{self.architecture}.{key}")

    @property
    def architecture(self) -> str | None:
        """``llama``, ``qwen2``, ``bert``..."""
        return self.text("general.architecture")

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained for."""
        return self.number(f"{self.architecture}.context_length")

    @property
    def chat_template(self) -> str | None:
        """The Jinja template of its conversations."""
        return self.text("tokenizer.chat_template")

    @property
    def vocabulary(self) -> int | None:
        """How many tokens it knows."""
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        if isinstance(tokens, Array):
            return tokens.length
        return len(tokens) if isinstance(tokens, tuple) else self.number(f"{self.architecture}.vocab_size")

    @property
    def parameters(self) -> int:
        """How many weights there are in this file."""
        return sum(prod(tensor.shape) for tensor in self.tensors)


def read(path: str | os.PathLike[str], *, whole: Collection[str] = ()) -> Header:
    """The header of a file. Raises ``GgufError``, whatever the file holds, and reads no more of it than its header.

    The lists of the keys ``whole`` are read even where they are long: ``("tokenizer.ggml.tokens",)``.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            try:
                return _header(Cursor(file, size, name), whole, leaping=True)
            except _Lost:
                return _header(Cursor(file, size, name), whole, leaping=False)
    except OSError as error:
        raise GgufError(f"{error.strerror or error}.", file=name, reason="missing") from None


class _Lost(Exception):
    """Something is wrong behind a leap: the file, or the leap."""


_FIELDS = {0: Struct("<B"), 1: Struct("<b"), 2: Struct("<H"), 3: Struct("<h"), 4: Struct("<I"), 5: Struct("<i")}
_FIELDS |= {6: Struct("<f"), 7: Struct("<?"), 10: Struct("<Q"), 11: Struct("<q"), 12: Struct("<d")}
_STRING, _ARRAY = 8, 9
_START, _TYPE, _ARRAY_HEAD, _TENSOR_END = Struct("<4sIQQ"), Struct("<I"), Struct("<IQ"), Struct("<IQ")
_DIMENSIONS = [Struct(f"<{count}Q") for count in range(5)]
_SHORT = 1024
"""Items of a list that is kept."""
_MOST_ITEMS, _MOST_TENSORS, _MOST_KEYS = 1 << 25, 1 << 20, 1 << 16
_MOST_KEPT = 64 << 20
"""Bytes, about, that the values of a header may take in memory."""
_WORTH_A_LEAP = 4096


def _header(cursor: Cursor, whole: Collection[str], *, leaping: bool) -> Header:
    version, tensor_count, pair_count = _start(cursor)
    reader = _Reader(cursor, whole, leaping=leaping)
    try:
        metadata = dict(reader.pair() for _ in range(pair_count))
        tensors = tuple(reader.tensor() for _ in range(tensor_count))
    except GgufError as error:
        if reader.leapt:
            raise _Lost from error
        raise
    return Header(cursor.name, version, metadata, tensors, cursor.size, cursor.position)


def _start(cursor: Cursor) -> tuple[int, int, int]:
    head = cursor.head(64)
    if head[:4] != b"GGUF":
        raise foreign(head, cursor.name)
    _, version, tensors, pairs = cursor.unpack(_START)
    _refuse_version(version, cursor.name)
    if pairs > _MOST_KEYS or tensors > _MOST_TENSORS:
        raise cursor.absurd(f"{pairs} keys and {tensors} tensors")
    if pairs * 13 + tensors * 24 > cursor.left:
        raise cursor.truncated()
    return version, tensors, pairs


def _refuse_version(version: int, file: str) -> None:
    if version in (2, 3):
        return
    if version and version & 0xFFFF == 0:
        message = "the file is big-endian, which engines on this machine do not read. Get the little-endian one."
        raise GgufError(message, file=file, reason="big-endian")
    if version < 2:
        raise GgufError(
            "the file is of GGUF version 1, which no engine reads any more. Get it anew.", file=file, reason="old-version"
        )
    message = f"the file is of GGUF version {version}; this modelhub-llama reads 2 and 3. Upgrade it."
    raise GgufError(message, file=file, reason="new-version")


class _Reader:
    """The values of a header, one after another."""

    __slots__ = ("_cursor", "_items", "_keeps", "_leaping", "_short", "_whole", "leapt")

    def __init__(self, cursor: Cursor, whole: Collection[str], *, leaping: bool) -> None:
        self._cursor = cursor
        self._whole = whole
        self._short = _SHORT
        self._items = _MOST_ITEMS
        self._keeps = _MOST_KEPT
        self._leaping = leaping
        self.leapt = False

    def pair(self) -> tuple[str, Any]:
        key = self._name(65535, "a key")
        self._short = _MOST_ITEMS if key in self._whole else _SHORT
        return key, self._value(self._cursor.unpack(_TYPE)[0], 0)

    def tensor(self) -> Tensor:
        cursor = self._cursor
        name = self._name(1024, "a tensor's name")
        (dimensions,) = cursor.unpack(_TYPE)
        if dimensions > 4:
            raise cursor.absurd(f"a tensor of {dimensions} dimensions")
        shape = cursor.unpack(_DIMENSIONS[dimensions])
        if prod(shape) >= 1 << 63:
            raise cursor.absurd(f"a tensor of shape {shape}")
        kind, offset = cursor.unpack(_TENSOR_END)
        return Tensor(name, shape, kind, offset)

    def _name(self, longest: int, what: str) -> str:
        raw = self._cursor.text()
        if not 0 < len(raw) <= longest or not raw.isascii() or b"\0" in raw:
            raise self._cursor.absurd(f"{what} that is none ({raw[:20]!r})")
        return raw.decode("ascii")

    def _value(self, kind: int, depth: int) -> Any:
        form = _FIELDS.get(kind)
        if form is not None:
            self._keep(64)
            return self._cursor.unpack(form)[0]
        if kind == _STRING:
            raw = self._cursor.text()
            self._keep(64 + len(raw))
            return raw.decode("utf-8", "replace")
        if kind == _ARRAY and depth < 4:
            return self._array(depth)
        raise self._cursor.absurd(f"a value of the unknown type {kind}")

    def _keep(self, cost: int) -> None:
        self._keeps -= cost
        if self._keeps < 0:
            raise self._cursor.absurd(f"more than {_MOST_KEPT >> 20} MiB of values")

    def _array(self, depth: int) -> Any:
        item, length = self._cursor.unpack(_ARRAY_HEAD)
        form = _FIELDS.get(item)
        if length * (form.size if form else 8) > self._cursor.left:
            raise self._cursor.truncated()
        self._items -= length
        if self._items < 0:
            raise self._cursor.absurd(f"a list of {length} items")
        if length <= self._short or item == _ARRAY:
            return tuple(self._value(item, depth + 1) for _ in range(length))
        if form is not None:
            self._cursor.skip(length * form.size)
        elif item == _STRING:
            self._skip_texts(length)
        else:
            raise self._cursor.absurd(f"a list of the unknown type {item}")
        return Array(length, item)

    def _skip_texts(self, count: int) -> None:
        if self._leaping and count >= _WORTH_A_LEAP and self._cursor.leap_texts(count):
            self.leapt = True
        else:
            self._cursor.skip_texts(count)
