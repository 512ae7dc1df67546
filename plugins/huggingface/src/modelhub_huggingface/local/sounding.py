"""Samples as the bytes of a file: WAV and bare samples always, other formats where a library for them is there."""

from __future__ import annotations

import io
import wave
from importlib.util import find_spec
from typing import TYPE_CHECKING

from modelhub.plugin import InvalidRequest, SetupError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FORMATS", "check", "sounding"]

FORMATS = {"wav": "audio/wav", "pcm": "audio/pcm", "flac": "audio/flac", "mp3": "audio/mpeg"}
"""``pcm`` is 16 bits a sample, the lower byte first."""


def sounding(samples: NDArray[np.float32], rate: int, form: str) -> bytes:
    """The bytes of one channel in that format, one of ``FORMATS``. Raises as ``check`` does."""
    import numpy as np

    check(form)
    whole = (np.clip(np.nan_to_num(samples), -1, 1) * 32767).round().astype("<i2")
    if form == "pcm":
        return whole.tobytes()
    return _wav(whole.tobytes(), rate) if form == "wav" else _by_library(whole, rate, form)


def check(form: str) -> None:
    """Raises ``InvalidRequest`` where there is no such format, ``SetupError`` where nothing is here that makes it."""
    if form not in FORMATS:
        raise InvalidRequest(f"output_format is {form!r}; a voice on this machine gives {', '.join(FORMATS)}.")
    if form in ("flac", "mp3") and find_spec("soundfile") is None:
        raise SetupError(f'To make {form}, pip install "modelhub-huggingface[sound]"; wav and pcm need nothing.')


def _wav(data: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(data)
    return file.getvalue()


def _by_library(samples: NDArray[np.int16], rate: int, form: str) -> bytes:
    import soundfile

    file = io.BytesIO()
    try:
        soundfile.write(file, samples, rate, format=form.upper())
    except soundfile.LibsndfileError as error:
        raise InvalidRequest(f"{rate} samples a second cannot be made {form}: {error} Ask for wav.") from None
    return file.getvalue()
