"""The weights of a model, as their headers tell of them: how many, how they are stored, in which files. Nothing is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from modelhub.plugin import SetupError
from modelhub_huggingface.local.files import ModelFolder

__all__ = ["Weights", "header", "weights"]

_LONGEST_HEADER = 100 << 20  # what the format itself allows
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")


@dataclass(frozen=True, slots=True)
class Weights:
    """``stored`` is the type that most of them have, in the words of safetensors: ``F32``, ``BF16``."""

    files: tuple[str, ...]
    parameters: int | None
    bytes: int
    stored: str | None
    pickled: bool = False


def weights(folder: ModelFolder) -> Weights:
    """The weights of a model. Raises ``SetupError`` where there are none, or where a file is no whole one."""
    files = tuple(sorted(_within(folder, (".safetensors",))))
    if not files:
        return _pickled(folder)
    counts: dict[str, int] = {}
    for file in _used(files):
        for told in header(file).values():
            counts[str(told["dtype"])] = counts.get(str(told["dtype"]), 0) + prod(told["shape"])
    return Weights(
        _used(files),
        sum(counts.values()),
        sum(map(os.path.getsize, _used(files))),
        max(counts, key=counts.__getitem__) if counts else None,
    )


def header(file: str) -> Mapping[str, Mapping[str, Any]]:
    """What a safetensors file says of each tensor: ``dtype`` and ``shape``. Raises ``SetupError`` where it is no whole file."""
    try:
        with open(file, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                raise _damaged(file, "its header does not fit into it")
            said = json.loads(stream.read(length))
        said.pop("__metadata__", None)
        if max((told["data_offsets"][1] for told in said.values()), default=0) > size - 8 - length:
            raise _damaged(file, "its end is missing")
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise _damaged(file, "its header is none") from error
    found: Mapping[str, Mapping[str, Any]] = said
    return found


def _used(files: tuple[str, ...]) -> tuple[str, ...]:
    """Without those of another precision beside the same weights: ``model.fp16.safetensors`` beside ``model.safetensors``."""
    kept = tuple(file for file in files if not any(f".{variant}." in os.path.basename(file) for variant in _VARIANTS))
    return kept or files


_VARIANTS = ("fp16", "bf16", "non_ema", "fp8")


def _pickled(folder: ModelFolder) -> Weights:
    files = tuple(sorted(_within(folder, _PICKLED)))
    if not files:
        raise SetupError(f"{folder.path} holds no weights. Fetch the model again.")
    return Weights(files, None, sum(map(os.path.getsize, files)), None, pickled=True)


def _within(folder: ModelFolder, endings: tuple[str, ...]) -> Iterator[str]:
    """The files that end so; of a pipeline, those in its parts: beside them may lie the same weights once more, in one file."""
    if not folder.pipeline:
        yield from _ending(folder.path, endings)
    for part in folder.pipeline:
        if os.path.isdir(folder.file(part)):
            yield from _ending(folder.file(part), endings)


def _ending(folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    """The files below a folder that end so; two floors are enough for the parts of a pipeline."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise SetupError(f"{folder} cannot be read: {error.strerror}.") from error
    for entry in entries:
        if entry.is_file() and entry.name.endswith(endings):
            yield entry.path
        elif entry.is_dir() and not entry.name.startswith((".", "onnx", "openvino")):
            yield from (inner.path for inner in os.scandir(entry.path) if inner.is_file() and inner.name.endswith(endings))


def _damaged(file: str, why: str) -> SetupError:
    return SetupError(f"{file} is no whole safetensors file: {why}. Fetch the model again.")
