"""The answers to a recording's parts as the answer to the whole: times moved, texts joined."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from modelhub.interfaces.transcription import Segment, TranscriptionResponse, Word
from modelhub.model import Notice
from modelhub.sound.division import Division
from modelhub.wrappers.summing import summed

__all__ = ["JoinedText", "moved", "stitched"]

TimedT = TypeVar("TimedT", Segment, Word)


@dataclass
class JoinedText:
    """Texts of parts, put together as they come: one space between two parts, none where the script writes none."""

    text: str = ""
    _space: str = ""
    _fresh: bool = True

    def next_part(self) -> None:
        """What comes next is of another part."""
        self._space, self._fresh = "", True

    def add(self, more: str) -> str:
        """What this adds to the whole. White space at a part's edges is left out."""
        if self._fresh:
            more = more.lstrip()
            if not more:
                return ""
            self._space, self._fresh = _between(self.text, more), False
        words = more.rstrip()
        if not words:
            self._space += more
            return ""
        added, self._space = self._space + words, more[len(words) :]
        self.text += added
        return added


def moved(piece: TimedT, division: Division, number: int) -> TimedT:
    """A segment or a word of a part with its times in the whole. None lies beyond its part, whatever a model says."""
    first, last = division.start(number), division.start(number + 1)
    start, end = (min(first + max(time, 0.0), last) for time in (piece.start, piece.end))
    return replace(piece, start=start, end=max(start, end))


def stitched(division: Division, parts: Mapping[int, TranscriptionResponse]) -> TranscriptionResponse:
    """The answer to the whole made of those of its parts, of which there is at least one."""
    joined, segments, words = JoinedText(), list[Segment](), list[Word]()
    for number in sorted(parts):
        joined.next_part()
        joined.add(parts[number].text)
        segments += _in_order(moved(segment, division, number) for segment in parts[number].segments)
        words += _in_order(moved(word, division, number) for word in parts[number].words)
    answers = [parts[number] for number in sorted(parts)]
    return replace(
        summed(answers),
        text=joined.text,
        language=next((answer.language for answer in answers if answer.language), None),
        duration=division.wav.seconds,
        segments=tuple(segments),
        words=tuple(words),
        notices=(*summed(answers).notices, *_told(division, parts)),
    )


def _in_order(pieces: Iterable[TimedT]) -> list[TimedT]:
    return sorted(pieces, key=lambda piece: piece.start)


def _between(before: str, after: str) -> str:
    """A space, unless one of the two letters that meet belongs to a script that writes none."""
    if not before:
        return ""
    return "" if {_width(before[-1]), _width(after[0])} & {"W", "F"} else " "


def _width(letter: str) -> str:
    """``W`` and ``F`` are Chinese, Japanese and their punctuation; Korean is as wide, and is written with spaces."""
    return "N" if "\uac00" <= letter <= "\ud7a3" else unicodedata.east_asian_width(letter)


def _told(division: Division, parts: Mapping[int, TranscriptionResponse]) -> list[Notice]:
    notices = []
    if loud := [f"{cut.frame / division.wav.form.rate:.1f}" for cut in division.cuts if not cut.silent]:
        message = f"The recording was cut where nobody is silent, at {', '.join(loud)} s: look at the words there."
        notices.append(Notice("audio", message))
    if any(segment.speaker for answer in parts.values() for segment in answer.segments):
        message = (
            f"Speakers are told apart within each of {division.count} parts; one name need not be one voice in all of them."
        )
        notices.append(Notice("audio", message))
    for number in sorted(set(range(division.count)) - set(parts)):
        stretch = f"{division.start(number):.1f} s to {division.start(number + 1):.1f} s"
        notices.append(Notice("audio", f"Missing: {stretch}."))
    return notices
