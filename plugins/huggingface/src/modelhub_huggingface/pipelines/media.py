"""Pictures and sounds in JSON and in bytes: taken out of answers, and made ready for requests."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Mapping, Sequence
from typing import Any

from modelhub.plugin import AnswerError, AudioPart, HttpResponse, ImagePart, InvalidRequest, WavForm, extension, sniff
from modelhub_huggingface.pipelines.answers import reported
from modelhub_huggingface.pipelines.site import PipelineSite

__all__ = ["base64_of", "media", "sounded", "waved"]

_ENOUGH = 16
"""Letters of base64 that no medium is shorter than."""


def media(response: HttpResponse, kind: str, site: PipelineSite, name: str) -> tuple[list[bytes], Any]:
    """The pictures (``image``) or sounds (``audio``) that an answer is, or holds, and its JSON without them.

    Raises the error that came in their place, or ``AnswerError`` where there are none.
    """
    whole = response.body
    if _is(kind, whole):
        return [whole], None
    said = _json(response, site, name)
    if said is None:
        told = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if whole and told.startswith(f"{kind}/"):
            return [whole], None
        begins = f"it begins with {' '.join(whole[:80].decode('utf-8', 'replace').split())!r}"
        raise AnswerError(f"The answer ({told or 'of no stated type'}) is no {kind}; {begins}.", head=whole[:200])
    found: list[bytes] = []
    return found, _taken_out(said, kind, found)


def _is(kind: str, data: bytes) -> bool:
    return (sniff(data) or "").startswith(f"{kind}/")


def _json(response: HttpResponse, site: PipelineSite, name: str) -> Any:
    if response.body.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        said = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    if isinstance(said, Mapping) and said.get("error"):
        raise reported(response, site, name)
    return said


def _taken_out(said: Any, kind: str, found: list[bytes]) -> Any:
    """The JSON with ``...`` in the place of each text that is such a medium, which goes into ``found``."""
    if isinstance(said, str):
        data = _decoded(said, kind)
        if data is None:
            return said
        found.append(data)
        return "..."
    if isinstance(said, Mapping):
        return {name: _taken_out(value, kind, found) for name, value in said.items()}
    if isinstance(said, list) and not (said and isinstance(said[0], int | float)):
        return [_taken_out(value, kind, found) for value in said]
    return said


def _decoded(text: str, kind: str) -> bytes | None:
    """The medium that a text of base64 is; ``None`` where it is none of that kind."""
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    if len(encoded) < _ENOUGH:
        return None
    try:
        data = a2b_base64(encoded, strict_mode=True)
    except (Error, ValueError):
        return None
    return data if _is(kind, data) else None


def waved(samples: Any, rate: int) -> bytes:
    """A WAV file of samples between -1 and 1, in whichever lists they lie. Raises ``AnswerError`` where they are none."""
    import numpy as np

    try:
        found = np.squeeze(np.asarray(samples, dtype="<f4"))
    except (TypeError, ValueError) as error:
        raise AnswerError(f"The sound is no list of samples ({error}).") from None
    if found.size == 0 or found.ndim > 2 or not np.isfinite(found).all():
        raise AnswerError("The sound holds no samples, or some that are no numbers.")
    found = found.reshape(1, -1) if found.ndim < 2 else found
    found = found if found.shape[0] <= found.shape[1] else found.T  # channels, then moments
    channels = found.shape[0]
    data: bytes = (np.clip(found.T, -1, 1) * 32767).round().astype("<i2").tobytes()
    chunk = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    return WavForm(1, channels, rate, 2 * channels, 16, chunk).header(len(data)) + data


def base64_of(part: ImagePart | AudioPart) -> str:
    """The bytes as base64. Raises ``InvalidRequest`` where there is an address only."""
    if part.data is None:
        raise InvalidRequest(f"{part.url} is an address; this server takes bytes: read it first, and give them as data.")
    return b64encode(part.data).decode("ascii")


_SOUNDS: Mapping[str, Sequence[str]] = {
    "audio/wav": ("wav",),
    "audio/flac": ("flac",),
    "audio/mpeg": ("mp3", "mpga", "mpeg"),
    "audio/ogg": ("ogg", "opus", "oga"),
    "audio/webm": ("webm",),
    "audio/m4a": ("m4a", "mp4"),
    "audio/amr": ("amr",),
    "audio/aac": ("aac",),
}


def sounded(audio: AudioPart) -> tuple[bytes, str]:
    """The bytes of a sound and their media type, as they say it themselves; a name is asked only where they do not.

    Raises ``InvalidRequest`` where nothing tells that they are a sound.
    """
    if audio.data is None:
        raise InvalidRequest(f"{audio.url} is an address; this server takes bytes: read it first, and give them as data.")
    media_type = sniff(audio.data) or (audio.media_type or "").partition(";")[0].strip().lower()
    suffix = extension(media_type)
    if not media_type.startswith("audio/"):
        suffix = (audio.name or "").rpartition(".")[2].lower()
    found = next((known for known, suffixes in _SOUNDS.items() if suffix in suffixes), media_type)
    if not found.startswith("audio/"):
        listed = ", ".join(sorted({suffix for suffixes in _SOUNDS.values() for suffix in suffixes}))
        raise InvalidRequest(f"The bytes are no sound of a known format. These are: {listed}.")
    return audio.data, found
