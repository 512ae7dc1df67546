"""Where a recording is best cut: in the middle of the longest silence before each limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelhub.sound.wav import Wav, WavForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cut", "cuts"]

_BLOCKS_A_SECOND = 50
_SEARCHED = 0.4
"""The share of a piece, at its end, in which a silence is looked for."""
_QUIET = 10 ** (-35 / 10)
"""How much less power than the loud parts around it has what counts as silent: 35 dB."""
_SAMPLED = 1000
_LEAST = 5
"""Blocks: what is shorter than a tenth of a second is no pause but a consonant."""


class Cut(NamedTuple):
    """A place between two frames, and whether it lies in silence: else a word may be cut there."""

    frame: int
    silent: bool


def cuts(wav: Wav, longest: int) -> list[Cut]:
    """Where to cut so that no piece has more than ``longest`` frames; nowhere, where the whole has not.

    Takes memory for two fifths of one piece at a time.
    """
    found: list[Cut] = []
    start, loud = 0, _loud(wav) if wav.frames > longest else 0.0
    while wav.frames - start > longest:
        first = start + max(int(longest * (1 - _SEARCHED)), 1)
        found.append(_best(wav, first, start + longest, loud))
        start = found[-1].frame
    return found


def _best(wav: Wav, first: int, last: int, loud: float) -> Cut:
    """The middle of the longest silence in that stretch, or else of its quietest moments."""
    block = _block(wav)
    count = (last - first) // block
    if count == 0:
        return Cut(last, silent=False)
    power = _power(wav, [slice(first, first + count * block)], block)
    start, length = _longest_run(power <= max(loud * _QUIET, 4 * float(power.min())))
    silent = length >= _LEAST and float(power[start : start + length].mean()) <= loud / 10
    return Cut(first + (2 * start + length) * block // 2, silent)


def _loud(wav: Wav) -> float:
    """How loud the recording is where it is loud, from a thousand moments spread over it."""
    import numpy as np

    block = _block(wav)
    step = max(wav.frames // _SAMPLED, block)
    return float(np.percentile(_power(wav, [slice(at, at + block) for at in range(0, wav.frames - block, step)], block), 95))


def _block(wav: Wav) -> int:
    return max(wav.form.rate // _BLOCKS_A_SECOND, 1)


def _longest_run(quiet: NDArray[np.bool_]) -> tuple[int, int]:
    """Start and length of the longest stretch of ``True``, the last of several; there is at least one."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.view(np.int8), [0]))))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    place = len(lengths) - 1 - int(np.argmax(lengths[::-1]))
    return int(starts[place]), int(lengths[place])


def _power(wav: Wav, stretches: list[slice], block: int) -> NDArray[np.float32]:
    """The mean square of each block of frames in these stretches, all channels together."""
    import numpy as np

    frame = wav.form.frame
    pieces = [wav.samples[stretch.start * frame : stretch.stop * frame] for stretch in stretches]
    levels = _levels(np.frombuffer(pieces[0] if len(pieces) == 1 else b"".join(pieces), np.uint8), wav.form)
    blocks: NDArray[np.float32] = levels.reshape(-1, block * wav.form.channels)
    power: NDArray[np.float32] = np.einsum("ij,ij->i", blocks, blocks) / np.float32(blocks.shape[1])
    return power


def _levels(raw: NDArray[np.uint8], form: WavForm) -> Any:
    """The samples around zero, to a scale that need not be right. Of wide integers, the upper 16 bits are enough."""
    import numpy as np

    match form.tag, form.width:
        case 3, 8:
            return np.nan_to_num(raw.view("<f8").astype(np.float32))
        case 3, _:
            return np.nan_to_num(raw.view("<f4"))
        case ((6 | 7), _):
            return _expanded(raw ^ np.uint8(0x55 if form.tag == 6 else 0xFF))
        case _, 1:
            return raw.astype(np.float32) - 128
        case _, 2:
            return raw.view("<i2").astype(np.float32)
        case _, width:
            upper = np.ascontiguousarray(raw.reshape(-1, width)[:, width - 2 :])
            return upper.view("<i2")[:, 0].astype(np.float32)


def _expanded(raw: NDArray[np.uint8]) -> Any:
    """About the size of a sample of telephony: three bits say how often four bits are doubled."""
    import numpy as np

    return np.ldexp((raw & 0x0F).astype(np.float32) + 16, ((raw >> 4) & 7).astype(np.int32)) - 16
