"""An answer within its limits: cut between sentences, or, where not even one fits, between words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelhub.plugin import Citation, TextSettings, count_tokens

__all__ = ["Piece", "limited"]

_WORD_END = re.compile(r"(?<=\S)(?=\s)|(?<=[^\x00-\u0dff])(?=[^\x00-\u0dff\s])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the answer that is said at once, and what it is cited from."""

    text: str
    citations: tuple[Citation, ...] = ()


def limited(pieces: Sequence[Piece], knobs: TextSettings) -> tuple[list[Piece], str | None]:
    """The pieces within ``max_output_tokens`` and before the first of ``stop_sequences``, and what cut them, if either did."""
    kept, cause = _short_enough(pieces, knobs.max_output_tokens)
    stopped = _before(kept, knobs.stop_sequences or ())
    return (stopped, "stop_sequence") if stopped is not None else (kept, cause)


def _short_enough(pieces: Sequence[Piece], limit: int | None) -> tuple[list[Piece], str | None]:
    kept: list[Piece] = []
    for piece in pieces:
        if limit is not None and count_tokens("".join(each.text for each in (*kept, piece))) > limit:
            return kept or [_beginning(piece, limit)], "length"
        kept.append(piece)
    return kept, None


def _beginning(piece: Piece, limit: int) -> Piece:
    """As many words of the piece as fit, cited as the part of the quote that they are."""
    quote = piece.citations[0].quote if piece.citations else piece.text
    mark = piece.text.removeprefix(quote)
    ends = [match.start() for match in _WORD_END.finditer(quote)]
    fitting = [end for end in ends if count_tokens(quote[:end] + mark) <= limit]
    if not fitting:
        return Piece("")
    return Piece(quote[: fitting[-1]] + mark, tuple(_shortened(each, fitting[-1]) for each in piece.citations))


def _shortened(citation: Citation, length: int) -> Citation:
    quote = citation.quote[:length]
    lines = citation.span.first_line + quote.count("\n")
    return replace(citation, quote=quote, span=replace(citation.span, end=citation.span.start + length, last_line=lines))


def _before(pieces: Sequence[Piece], stops: Sequence[str]) -> list[Piece] | None:
    """The pieces up to the first stop sequence; a quote that is cut loses its citation. ``None`` where no sequence occurs."""
    whole = "".join(piece.text for piece in pieces)
    end = min((place for stop in stops if stop and (place := whole.find(stop)) >= 0), default=None)
    if end is None:
        return None
    kept: list[Piece] = []
    for piece in pieces:
        room = end - sum(len(each.text) for each in kept)
        if room < len(piece.text):
            return [*kept, Piece(piece.text[:room])]
        kept.append(piece)
    return kept
