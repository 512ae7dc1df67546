"""Pieces of documents that an answer may stand on, and the places that it cites."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Citation", "Passage", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a document's text: characters ``start`` to ``end`` (``end`` excluded).

    ``first_line`` and ``last_line`` are the lines it touches, counted from 1.
    """

    start: int
    end: int
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document. ``text`` is exactly ``document_text[span.start:span.end]``.

    ``document`` names the document (a path relative to the configuration), ``version`` is a hash of its text,
    ``heading`` the titles above the piece.
    """

    id: str
    text: str
    document: str
    span: Span
    version: str = ""
    heading: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer's words come from: ``quote`` is exactly the document's text at ``span``.

    ``number`` is what the answer's text shows as ``[1]``; ``passage_id`` is the passage it was given.
    """

    number: int
    passage_id: str
    document: str
    span: Span
    quote: str
    version: str = ""
