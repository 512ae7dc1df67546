"""GGUF headers written by hand, so that they may say what no writer would write."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["array", "header", "pair", "string", "tensor"]

U32, F32, BOOL, STRING, ARRAY, U64 = 4, 6, 7, 8, 9, 10
_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", U32: "I", 5: "i", F32: "f", BOOL: "?", U64: "Q", 11: "q", 12: "d"}


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def value(kind: int, given: Any) -> bytes:
    return string(given) if kind == STRING else struct.pack("<" + _FORMS[kind], given)


def array(kind: int, items: Iterable[Any], count: int | None = None) -> bytes:
    """An array's value, which may claim another length than it has."""
    items = list(items)
    return struct.pack("<IQ", kind, len(items) if count is None else count) + b"".join(value(kind, item) for item in items)


def pair(key: str | bytes, kind: int, raw: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + raw


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def header(
    *pairs: bytes,
    texts: Mapping[str, str] | None = None,
    numbers: Mapping[str, int] | None = None,
    tensors: Iterable[bytes] = (),
    version: int = 3,
    pair_count: int | None = None,
    tensor_count: int | None = None,
) -> bytes:
    """A whole header, whose counts may lie."""
    whole = [
        *(pair(key, STRING, string(text)) for key, text in (texts or {}).items()),
        *(pair(key, U32, struct.pack("<I", number)) for key, number in (numbers or {}).items()),
        *pairs,
    ]
    lines = list(tensors)
    counts = (len(lines) if tensor_count is None else tensor_count, len(whole) if pair_count is None else pair_count)
    return b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(whole) + b"".join(lines)
