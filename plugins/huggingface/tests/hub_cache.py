"""The hub's cache on a machine of the tests: repositories as the hub's own client leaves them there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

__all__ = ["SHA", "fetched", "safetensors"]

SHA = "0123456789abcdef0123456789abcdef01234567"
_SIZES = {"F32": 4, "BF16": 2, "F16": 2, "I64": 8}


def fetched(cache: Path, name: str, files: Mapping[str, Any], sha: str = SHA, ref: str = "main") -> Path:
    """Put a snapshot of a repository into the cache; gives its folder."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / sha
    for path, said in files.items():
        file = snapshot / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(said if isinstance(said, bytes) else _text(said).encode())
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / ref).write_text(sha, encoding="utf-8")
    return snapshot


def _text(said: Any) -> str:
    return said if isinstance(said, str) else json.dumps(said)


def safetensors(tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> bytes:
    """A file of weights that are all zero: of each tensor, how it is stored, and its shape."""
    header, end = {}, 0
    for name, (stored, shape) in tensors.items():
        start, end = end, end + _SIZES[stored] * prod(shape)
        header[name] = {"dtype": stored, "shape": list(shape), "data_offsets": [start, end]}
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + bytes(end)
