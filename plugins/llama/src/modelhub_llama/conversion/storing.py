"""How the numbers of a tensor are stored: as they are, in half the bytes, or as blocks of small whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from modelhub.plugin import SetupError
from modelhub_llama.conversion.writing import GgmlType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["F32", "FILE_TYPES", "Storage", "stored", "type_for"]

Storage = Literal["f32", "f16", "q8_0"]

F32 = GgmlType(0, 1, 4)
_F16 = GgmlType(1, 1, 2)
_Q8_0 = GgmlType(8, 32, 34)
FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7}
"""``general.file_type``: what most of the tensors are."""


def type_for(shape: tuple[int, ...], storage: Storage) -> GgmlType:
    """How a tensor of this shape is stored: matrices as asked for where their rows can be, all else in full."""
    if len(shape) != 2 or storage == "f32":
        return F32
    return _Q8_0 if storage == "q8_0" and shape[-1] % _Q8_0.block == 0 else _F16


def stored(numbers: NDArray[np.float32], kind: GgmlType, name: str) -> bytes:
    """The bytes of a tensor. Raises ``SetupError`` where a number is too large for half precision."""
    import numpy as np

    if kind == _Q8_0:
        return _q8_0(numbers)
    if kind == _F16:
        if np.abs(numbers).max(initial=0) > 65504:
            raise SetupError(f"{name} holds numbers that 16 bits cannot: take the type f32.")
        return numbers.astype("<f2").tobytes()
    return numbers.astype("<f4").tobytes()


def _q8_0(numbers: NDArray[np.float32]) -> bytes:
    """Blocks of 32: a scale in 16 bits, and each number as a whole multiple of it between -127 and 127."""
    import numpy as np

    blocks = numbers.reshape(-1, 32)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 127
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales > 0)
    multiples = np.rint(blocks * inverse).astype(np.int8)
    return np.hstack([scales.astype("<f2").view(np.int8), multiples]).tobytes()
