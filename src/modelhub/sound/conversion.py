"""Other formats as WAV, by the program ``ffmpeg`` where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from modelhub.errors import InvalidRequest, TimedOut

__all__ = ["as_wav", "converter"]

_DEMUXERS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "mov",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/webm": "matroska",
    "audio/aac": "aac",
}
"""Which reader is asked for: a file that is something else, a list of addresses say, is not followed."""


def converter() -> str | None:
    """Where ``ffmpeg`` is, if it is installed."""
    return shutil.which("ffmpeg")


def as_wav(data: bytes, media_type: str, program: str, timeout: float | None) -> bytes:
    """The same sound as WAV: 16,000 samples a second, 16 bits, one channel, which is what recognisers of speech hear.

    Raises ``InvalidRequest`` where it cannot be read, ``TimedOut``.
    """
    demuxer = _DEMUXERS.get(media_type)
    if demuxer is None:
        raise InvalidRequest(f"A recording of the type {media_type} is not converted: make a WAV file of it.")
    with tempfile.TemporaryDirectory(prefix="modelhub-") as folder:
        path = os.path.join(folder, "recording")
        with open(path, "wb") as file:
            file.write(data)
        return _run([program, *_READ, demuxer, "-i", path, *_WRITE], timeout)


_READ = ("-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-f")
_WRITE = ("-map", "0:a:0", "-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le", "-f", "wav", "pipe:1")


def _run(command: list[str], timeout: float | None) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        message = f"ffmpeg did not convert the recording within {timeout:g} s (the time-out `total`)."
        raise TimedOut(message, phase="total", seconds=timeout or 0.0) from None
    except OSError as error:
        raise InvalidRequest(f"ffmpeg cannot be started ({error}): make a WAV file of the recording.") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip()[-300:] or f"it ended with {done.returncode}"
        raise InvalidRequest(f"ffmpeg cannot read the recording: {said}")
    return done.stdout
