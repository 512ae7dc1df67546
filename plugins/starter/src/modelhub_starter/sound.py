"""A WAV file as the samples that a recogniser of speech wants: one channel, 16 bits, 16,000 a second."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, Any

from modelhub.plugin import AudioPart, InvalidRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RATE", "samples"]

RATE = 16_000
_LONGEST = 600
_RATES = range(4_000, 192_001)


def samples(audio: AudioPart) -> NDArray[np.int16]:
    """The samples. Raises ``InvalidRequest`` for anything but uncompressed WAV, at most ten minutes of it."""
    if audio.data is None:
        raise InvalidRequest("starter:commands reads bytes, not an address: download the sound first.")
    if audio.media_type != "audio/wav":
        raise InvalidRequest(
            f"starter:commands reads WAV, not {audio.media_type or 'bytes of no known format'}: convert it first."
        )
    try:
        with wave.open(io.BytesIO(audio.data)) as file:
            width, channels, rate, count = file.getsampwidth(), file.getnchannels(), file.getframerate(), file.getnframes()
            raw = file.readframes(min(count, len(audio.data)))
    except (wave.Error, EOFError) as error:
        raise InvalidRequest(f"This WAV file cannot be read: {error or 'it ends too early'}.") from None
    if rate not in _RATES or width not in (1, 2, 3, 4):
        raise InvalidRequest(f"This WAV file has {rate} samples a second of {8 * width} bits: convert it to 16,000 of 16 bits.")
    if len(raw) // (width * channels) > _LONGEST * rate:
        raise InvalidRequest(f"The sound is longer than {_LONGEST} seconds: cut it.")
    return _resampled(_mono(raw, width, channels), rate)


def _mono(raw: bytes, width: int, channels: int) -> NDArray[np.float64]:
    """All channels as one, between -1 and 1."""
    import numpy as np

    whole = np.frombuffer(raw[: len(raw) - len(raw) % (width * channels)], np.uint8).reshape(-1, width)
    if width == 1:
        levels = (whole[:, 0].astype(np.float64) - 128) / 128
    else:
        padded = np.zeros((len(whole), 4), np.uint8)
        padded[:, 4 - width :] = whole
        levels = padded.view("<i4")[:, 0] / 2.0**31
    return np.asarray(levels.reshape(-1, channels).mean(axis=1), np.float64)


def _resampled(levels: NDArray[np.float64], rate: int) -> NDArray[np.int16]:
    """At 16,000 samples a second: what is too high for that is filtered out, and the rest drawn through straight lines."""
    import numpy as np

    if rate != RATE and len(levels):
        if rate > RATE:
            levels = np.convolve(levels, _low_pass(RATE / rate), mode="same")[: len(levels)]
        times = np.arange(int(len(levels) * RATE / rate)) * (rate / RATE)
        levels = np.interp(times, np.arange(len(levels)), levels)
    return np.asarray(np.clip(np.rint(levels * 32767), -32768, 32767), np.int16)


def _low_pass(share: float, taps: int = 63) -> Any:
    import numpy as np

    places = np.arange(taps) - taps // 2
    window = np.sinc(share * places) * np.hamming(taps)
    return window / window.sum()
