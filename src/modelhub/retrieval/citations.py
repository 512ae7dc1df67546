"""From the numbers in an answer, [1] or 【2】, to the passages they stand for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from modelhub.interfaces.passages import Citation, Passage

__all__ = ["Numbers", "Scanner", "citation", "is_exact", "numbers"]

_NUMBER = r"[0-9０-９]{1,4}"
_MARKER = re.compile(rf"[\[【［]\s{{0,4}}({_NUMBER}(?:\s{{0,4}}[,、，;]\s{{0,4}}{_NUMBER}){{0,31}})\s{{0,4}}[\]】］]")
_BEGUN = re.compile(r"[\[【［][\s0-9０-９,、，;]{0,400}\Z")


def numbers(text: str) -> Iterator[int]:
    """The numbers that the text's markers name, in order, as often as they occur. ``[1, 2]`` names two."""
    for match in _MARKER.finditer(text):
        yield from map(int, re.findall(_NUMBER, match.group(1)))


def citation(passage: Passage, number: int) -> Citation:
    """The citation of a whole passage: its quote is exactly the document's text at the span."""
    return Citation(number, passage.id, passage.document, passage.span, passage.text, passage.version)


def is_exact(cited: Citation, passages: Iterable[Passage]) -> bool:
    """Whether a citation stands in a passage that was given, and quotes it exactly."""
    for passage in passages:
        if passage.id == cited.passage_id and passage.document == cited.document:
            start, end = (position - passage.span.start for position in (cited.span.start, cited.span.end))
            return 0 <= start <= end <= len(passage.text) and passage.text[start:end] == cited.quote
    return False


@dataclass(slots=True)
class Numbers:
    """The numbers of one answer, sorted as they come: ``cited`` once each, in order of appearance; ``unknown`` as well."""

    passages: Sequence[Passage]
    cited: dict[int, Citation] = field(default_factory=dict)
    unknown: dict[int, None] = field(default_factory=dict)

    def take(self, found: Iterable[int]) -> list[Citation]:
        """The citations that are new with these numbers."""
        new = []
        for number in found:
            if not 1 <= number <= len(self.passages):
                self.unknown[number] = None
            elif number not in self.cited:
                self.cited[number] = citation(self.passages[number - 1], number)
                new.append(self.cited[number])
        return new


@dataclass(slots=True)
class Scanner:
    """Finds markers in a text that comes in pieces, cut anywhere."""

    _held: str = ""

    def feed(self, piece: str) -> list[int]:
        """The numbers of the markers that this piece completes."""
        text = self._held + piece
        found = list(numbers(text))
        begun = _BEGUN.search(text)
        self._held = text[begun.start() :] if begun else ""
        return found
