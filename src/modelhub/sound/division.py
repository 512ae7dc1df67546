"""A recording as the parts that a model takes: none longer or larger than it may be, cut where nobody speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelhub.errors import InvalidRequest
from modelhub.interfaces.media import AudioPart
from modelhub.sound.lengths import seconds
from modelhub.sound.silence import Cut, cuts
from modelhub.sound.wav import Wav, read_wav

__all__ = ["Division", "cuttable", "divided", "exceeds"]

_ROOM = 65_536
"""Bytes left for headers and whatever a form puts around a file, and a second's hundredth for rounding."""


@dataclass(frozen=True, slots=True)
class Division:
    """A recording and where it is cut. Parts are made when they are asked for, and share no bytes with each other."""

    wav: Wav
    cuts: tuple[Cut, ...]

    @property
    def count(self) -> int:
        return len(self.cuts) + 1

    def start(self, number: int) -> float:
        """When that part begins, in seconds of the whole; after the last part, when the whole ends."""
        return self._border(number) / self.wav.form.rate

    def part(self, number: int) -> AudioPart:
        """That part as a WAV file."""
        piece = self.wav.piece(self._border(number), self._border(number + 1))
        return AudioPart(data=piece, media_type="audio/wav", name=f"part-{number + 1}.wav")

    def _border(self, number: int) -> int:
        if number == 0:
            return 0
        return self.wav.frames if number > len(self.cuts) else self.cuts[number - 1].frame


def exceeds(data: bytes, limits: Mapping[str, int]) -> str | None:
    """What is too much about a recording for a model with these limits, in words; ``None`` where nothing is."""
    if (most := limits.get("audio_bytes")) is not None and len(data) > most:
        return f"has {len(data):,} bytes, and the model takes {most:,}"
    longest = limits.get("audio_seconds")
    if longest is not None and (length := seconds(data)) is not None and length > longest:
        return f"is {length:,.0f} s long, and the model takes {longest:,} s"
    return None


def cuttable(data: bytes) -> bool:
    """Whether it is a WAV file of samples that stand for themselves."""
    wav = read_wav(data)
    return wav is not None and wav.form.plain


def divided(data: bytes, limits: Mapping[str, int]) -> Division:
    """The parts of a WAV recording that exceeds the limits. Raises ``InvalidRequest`` where it cannot be cut."""
    wav = read_wav(data)
    if wav is None or not wav.form.plain:
        raise InvalidRequest(
            "The recording is too long to be sent whole, and is no WAV file that could be cut: make one of it."
        )
    most = wav.frames
    if (largest := limits.get("audio_bytes")) is not None:
        most = min(most, max(largest - _ROOM, largest // 2) // wav.form.frame)
    if (longest := limits.get("audio_seconds")) is not None:
        most = min(most, int((longest - 0.01) * wav.form.rate))
    if most < wav.form.rate // 10:
        raise InvalidRequest(
            "The model takes less than a tenth of a second of this recording at once: make a smaller file of it."
        )
    return Division(wav, tuple(cuts(wav, most)))
