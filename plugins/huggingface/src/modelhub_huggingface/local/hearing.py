"""A recording as what recognisers of speech hear: one channel, 16,000 samples a second, between -1 and 1."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from modelhub.plugin import AudioPart, InvalidRequest, SetupError, Wav, as_wav, converter, read_wav

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RATE", "heard"]

RATE = 16_000
_RATES = range(2_000, 768_001)
_BLOCK = 1 << 20
"""Moments that are read at a time, so that a long recording takes little more memory than what is made of it."""
_BY_LIBRARY = ("audio/flac", "audio/ogg", "audio/mpeg", "audio/wav")
_SOUND = 'pip install "modelhub-huggingface[sound]"'


class _Recording(NamedTuple):
    rate: int
    blocks: Iterator[NDArray[np.float32]]


def heard(audio: AudioPart, timeout: float | None = None) -> NDArray[np.float32]:
    """The samples of a recording. WAV needs nothing for it; other formats, and other rates, need the extra ``sound``.

    What its library does not read, ``ffmpeg`` does where that is installed, within ``timeout`` seconds. Raises
    ``InvalidRequest`` where it cannot be read or is empty, ``SetupError`` where something is to be installed.
    """
    import numpy as np

    if audio.data is None:
        raise InvalidRequest("A model on this machine reads bytes, not an address: fetch the recording first.")
    recording = _recording(audio.data, audio.media_type, timeout)
    if recording.rate not in _RATES:
        raise InvalidRequest(f"The recording has {recording.rate} samples a second: make one of 16,000 of it.")
    pieces = list(recording.blocks if recording.rate == RATE else _resampled(recording))
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if not len(samples):
        raise InvalidRequest("There is no sound in the recording.")
    return samples


def _recording(data: bytes, media_type: str | None, timeout: float | None) -> _Recording:
    wav = read_wav(data)
    if wav is not None and wav.form.plain and wav.form.tag in (1, 3):
        return _plain(wav)
    if media_type in _BY_LIBRARY and find_spec("soundfile") is not None:
        read = _by_library(data)
        if read is not None:
            return read
    program = converter()
    if program is None or media_type is None:
        raise _unreadable(media_type)
    converted = read_wav(as_wav(data, media_type, program, timeout))
    if converted is None:
        raise _unreadable(media_type)
    return _plain(converted)


def _unreadable(media_type: str | None) -> InvalidRequest | SetupError:
    if media_type is None or not media_type.startswith("audio/"):
        return InvalidRequest(
            f"These bytes ({media_type or 'of no known format'}) are no recording: give WAV, FLAC, OGG or MP3."
        )
    if media_type in _BY_LIBRARY and find_spec("soundfile") is None:
        return SetupError(f"To read {media_type}, install a library for it: {_SOUND}. Or make a WAV file of it.")
    if media_type in _BY_LIBRARY:
        return InvalidRequest(f"The recording ({media_type}) is damaged: it cannot be read.")
    return SetupError(f"To read {media_type}, install ffmpeg. Or make a WAV file of it.")


def _plain(wav: Wav) -> _Recording:
    """A WAV file whose samples stand for themselves."""
    starts = range(0, wav.frames, _BLOCK)
    return _Recording(wav.form.rate, (_levels(wav, start, min(start + _BLOCK, wav.frames)) for start in starts))


def _levels(wav: Wav, start: int, end: int) -> NDArray[np.float32]:
    """All channels of a stretch as one."""
    import numpy as np

    form = wav.form
    raw = np.frombuffer(wav.samples[start * form.frame : end * form.frame], np.uint8)
    if form.tag == 3:
        levels: Any = np.nan_to_num(raw.view(f"<f{form.width}").astype(np.float32))
    elif form.width == 1:
        levels = (raw.astype(np.float32) - 128) / 128
    else:
        whole = np.zeros((len(raw) // form.width, 4), np.uint8)
        whole[:, 4 - form.width :] = raw.reshape(-1, form.width)
        levels = whole.view("<i4")[:, 0].astype(np.float32) / 2**31
    return np.asarray(levels.reshape(-1, form.channels).mean(axis=1), np.float32)


def _by_library(data: bytes) -> _Recording | None:
    """What libsndfile reads; ``None`` where it cannot."""
    import soundfile

    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        return None

    def blocks() -> Iterator[NDArray[np.float32]]:
        with file:
            try:
                for block in file.blocks(_BLOCK, dtype="float32", always_2d=True):
                    yield block.mean(axis=1)
            except soundfile.LibsndfileError as error:
                raise InvalidRequest(f"The recording is damaged: {error}") from None

    return _Recording(file.samplerate, blocks())


def _resampled(recording: _Recording) -> Iterator[NDArray[np.float32]]:
    """At the rate that models hear, without what is too high for it."""
    try:
        import soxr
    except ImportError:
        message = (
            f"The recording has {recording.rate} samples a second, and the model hears {RATE}: to convert it, {_SOUND}, "
            f"or make a WAV file of {RATE} of it."
        )
        raise SetupError(message) from None
    stream = soxr.ResampleStream(recording.rate, RATE, 1, dtype="float32")
    for block in recording.blocks:
        yield stream.resample_chunk(block)
    import numpy as np

    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
