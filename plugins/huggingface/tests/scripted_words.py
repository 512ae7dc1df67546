"""What the scripted endpoints make their answers of: tokens, vectors, labels, pictures, sounds."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["LABELS", "base64_of", "ended", "labels", "overlap", "packed", "pieces", "png", "sample", "vector", "wav"]

LABELS = ("positive", "negative", "neutral")


def ended(text: str, stops: Sequence[str] | None, limit: int | None) -> tuple[str, str]:
    """The text up to a stop or the limit, and why it ended."""
    for stop in stops or ():
        if stop in text:
            return text.partition(stop)[0], "stop_sequence"
    found = pieces(text)
    return ("".join(found[:limit]), "length") if limit is not None and limit < len(found) else (text, "stop")


def pieces(text: str) -> list[str]:
    """Tokens, about: a word with the space before it, or three letters of a script without spaces."""
    return re.findall(r"\s*[\x21-\x7e]+|[^\x20-\x7e]{1,3}|\s+", text)


def labels(text: str, labels: Sequence[str]) -> list[tuple[str, float]]:
    """Labels and scores that add up to 1; the first one wins unless the text names another."""
    weights = [3.0 if label.lower() in text.lower() else 1.0 / (place + 1) for place, label in enumerate(labels)]
    pairs = [(label, weight / sum(weights)) for label, weight in zip(labels, weights, strict=True)]
    return sorted(pairs, key=lambda pair: -pair[1])


def overlap(query: str, text: str) -> float:
    asked, told = set(_words(query)), set(_words(text))
    return len(asked & told) / max(len(asked), 1)


def vector(text: str, dimensions: int) -> list[float]:
    """A unit vector of the text's words, so that texts which share words are near each other."""
    numbers = [0.0] * dimensions
    for word in _words(text):
        digest = hashlib.sha256(word.encode()).digest()
        for place in range(dimensions):
            numbers[place] += (digest[place % 32] ^ (place // 32 * 37 & 255)) / 127.5 - 1.0
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


def _words(text: str) -> Iterator[str]:
    yield from re.findall(r"[a-z0-9]+", text.lower())
    for run in re.findall(r"[^\x00-\x7f]+", text):
        yield from (run[place : place + 2] for place in range(max(1, len(run) - 1)))


def packed(row: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sample(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """A value that the schema allows."""
    if reference := schema.get("$ref"):
        found: Any = root
        for step in str(reference).removeprefix("#/").split("/"):
            found = found[step]
        return sample(found, root)
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return sample(schema[word][0], root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", schema.get("properties", {}))
            return {name: sample(schema.get("properties", {}).get(name, {}), root) for name in wanted}
        case "array":
            return [sample(schema.get("items", {}), root) for _ in range(max(1, schema.get("minItems", 1)))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "東京"


def png(side: int = 8, seed: str = "") -> bytes:
    """A picture in one colour, which its seed decides."""
    grey = hashlib.sha256(seed.encode()).digest()[:1]
    rows = (b"\x00" + grey * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def wav(seconds: float) -> bytes:
    """Silence: 16 bits, one channel, 16,000 samples a second."""
    data = bytes(2 * int(16_000 * seconds))
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body
