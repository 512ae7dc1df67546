"""A safetensors file: a length, a JSON header, and the numbers behind it. Nothing in it can be executed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from modelhub.plugin import SetupError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Weights"]

_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_LONGEST_HEADER = 100 << 20  # what the format itself allows


@dataclass(frozen=True, slots=True)
class _Place:
    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of one file, each read when it is asked for."""

    file: str
    _places: Mapping[str, _Place] = field(repr=False)

    @classmethod
    def of(cls, file: str) -> Weights:
        """The weights of a file. Raises ``SetupError`` where it is no whole safetensors file."""
        try:
            with open(file, "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                length = int.from_bytes(stream.read(8), "little")
                if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                    raise _damaged(file, "its header does not fit into it")
                header = json.loads(stream.read(length))
        except OSError as error:
            raise SetupError(f"{file} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise _damaged(file, "its header is no JSON") from error
        if not isinstance(header, dict):
            raise _damaged(file, "its header is no table")
        header.pop("__metadata__", None)
        return cls(file, {name: _place(file, name, told, 8 + length, size) for name, told in header.items()})

    def __contains__(self, name: str) -> bool:
        return name in self._places

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all tensors."""
        return tuple(self._places)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, slowest dimension first."""
        return self._places[name].shape

    def read(self, name: str) -> NDArray[np.float32]:
        """A tensor as 32-bit floats. Raises ``SetupError`` for one that is not made of floats, or holds NaN or infinity."""
        import numpy as np

        place = self._places[name]
        if place.kind not in _BYTES:
            raise SetupError(f"{self.file}: {name} is stored as {place.kind}; what can be read is {', '.join(_BYTES)}.")
        with open(self.file, "rb") as stream:
            stream.seek(place.start)
            raw = stream.read(place.end - place.start)
        if place.kind == "BF16":  # the upper half of a 32-bit float
            numbers = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        else:
            numbers = np.frombuffer(raw, f"<f{_BYTES[place.kind]}")
        floats = numbers.astype(np.float32).reshape(place.shape)
        if not np.isfinite(floats).all():
            raise _damaged(self.file, f"{name} holds NaN or infinity")
        return floats


def _place(file: str, name: str, told: Any, start: int, size: int) -> _Place:
    try:
        shape = tuple(int(side) for side in told["shape"])
        first, last = (int(offset) for offset in told["data_offsets"])
        place = _Place(str(told["dtype"]), shape, start + first, start + last)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(file, f"it does not say where {name} is") from error
    fitting = place.end - place.start == prod(shape) * _BYTES.get(place.kind, 0) or place.kind not in _BYTES
    if min(shape, default=0) < 0 or not start <= place.start <= place.end <= size or not fitting:
        raise _damaged(file, f"{name} does not lie within it")
    return place


def _damaged(file: str, why: str) -> SetupError:
    return SetupError(f"{file} is no whole safetensors file: {why}. Fetch it again.")
