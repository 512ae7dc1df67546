"""GGUF files written: metadata, the names and shapes of tensors, then their bytes, one tensor at a time.

The format is in ggml's docs/gguf.md. Version 3, little-endian.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

__all__ = ["GgmlType", "Tensor", "Value", "write"]

Value = str | bool | int | float | Sequence[str] | Sequence[int] | Sequence[float]
"""Whole numbers are written as 32 bits: unsigned alone, signed in a list, as the engine expects them."""

_ALIGNMENT = 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9


@dataclass(frozen=True, slots=True)
class GgmlType:
    """How numbers are stored: ``number`` in the format, and ``size`` bytes for each ``block`` of them."""

    number: int
    block: int
    size: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor to be written. ``shape`` has the slowest dimension first; ``bytes`` makes its numbers when their turn comes."""

    name: str
    shape: tuple[int, ...]
    type: GgmlType
    bytes: Callable[[], bytes]

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return prod(self.shape) // self.type.block * self.type.size


def write(path: str | os.PathLike[str], metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> None:
    """Write a file; it appears under its name when it is whole. The same arguments give the same bytes."""
    target = os.fspath(path)
    unfinished = f"{target}.{os.urandom(4).hex()}.unfinished"
    try:
        with open(unfinished, "xb") as file:
            _write(file, metadata, tensors)
        os.replace(unfinished, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)
        raise


def _write(file: BinaryIO, metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> None:
    file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    file.writelines(_text(key) + _value(value) for key, value in metadata.items())
    for tensor, offset in zip(tensors, _offsets(tensors), strict=True):
        sides = tuple(reversed(tensor.shape))
        form = f"<I{len(sides)}QIQ"
        file.write(_text(tensor.name) + struct.pack(form, len(sides), *sides, tensor.type.number, offset))
    for tensor in tensors:
        file.write(bytes(-file.tell() % _ALIGNMENT))
        written = file.write(tensor.bytes())
        if written != tensor.size:
            raise ValueError(f"{tensor.name} is {written} bytes instead of {tensor.size}")
    file.write(bytes(-file.tell() % _ALIGNMENT))


def _offsets(tensors: Iterable[Tensor]) -> Iterator[int]:
    offset = 0
    for tensor in tensors:
        yield offset
        offset += tensor.size + -tensor.size % _ALIGNMENT


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", _BOOL, value)
        case int():
            return struct.pack("<II", _UINT32, value)
        case float():
            return struct.pack("<If", _FLOAT32, value)
        case str():
            return struct.pack("<I", _STRING) + _text(value)
        case _:
            return _list(value)


def _list(items: Sequence[str] | Sequence[int] | Sequence[float]) -> bytes:
    match items[0]:
        case str():
            kind, body = _STRING, b"".join(_text(str(item)) for item in items)
        case int():
            kind, body = _INT32, struct.pack(f"<{len(items)}i", *items)
        case _:
            kind, body = _FLOAT32, struct.pack(f"<{len(items)}f", *items)
    return struct.pack("<IIQ", _ARRAY, kind, len(items)) + body
