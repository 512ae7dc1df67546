"""Tokens that become text, one after another: whole characters only, and nothing of a stop sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["Speaker", "Stops"]

_CONTEXT = 6
"""Tokens before the answer that its first are read together with: some tokenizers drop the space that begins a text."""
_HELD = 16
"""Tokens that may wait for the rest of a character; no character is made of as many."""
_UNFINISHED = "\ufffd"


class Speaker:
    """The text of one answer. ``said`` is all of it that is certain; what ``feed`` and ``close`` give joins to it.

    ``before`` are the tokens that the answer goes on from, where it continues a text.
    """

    def __init__(self, decode: Callable[[list[int]], str], before: Sequence[int] = (), stops: Sequence[str] = ()) -> None:
        self.said = ""
        self.read = 0
        """Characters that the tokens made, the stop sequence and what is held back for it among them."""
        self._decode = decode
        self._tokens = list(before[-_CONTEXT:])
        self._first = 0
        self._next = len(self._tokens)
        self._shown = decode(self._tokens) if self._tokens else ""
        self._stops = Stops(stops) if stops else None

    @property
    def stopped(self) -> bool:
        """Whether a stop sequence has come."""
        return self._stops is not None and self._stops.came

    def feed(self, token: int) -> str:
        """The text that this token makes certain; empty where it ends inside a character, or may begin a stop sequence."""
        self._tokens.append(token)
        text = self._decode(self._tokens[self._first :])
        held = len(self._tokens) - self._next
        piece = text[len(self._shown) :]
        if (not piece or piece.endswith(_UNFINISHED)) and held < _HELD:
            return ""
        self._first, self._next = self._next, len(self._tokens)
        self._shown = self._decode(self._tokens[self._first :])
        return self._heard(piece)

    def close(self) -> str:
        """What was still held back: the end is here. A character that did not come whole is left out."""
        piece = self._decode(self._tokens[self._first :])[len(self._shown) :].rstrip(_UNFINISHED)
        told = self._heard(piece) if piece else ""
        if self._stops is None or self._stops.came:
            return told
        rest = self._stops.rest()
        self.said += rest
        return told + rest

    def _heard(self, piece: str) -> str:
        self.read += len(piece)
        told = piece if self._stops is None else self._stops.feed(piece)
        self.said += told
        return told


class Stops:
    """Text up to the first of these sequences, wherever it is cut into pieces."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self.came = False
        self._sequences = [sequence for sequence in sequences if sequence]
        self._held = ""

    def feed(self, piece: str) -> str:
        """What is certain not to belong to a stop sequence; nothing once one has come."""
        if self.came:
            return ""
        self._held += piece
        ends = [(at + len(sequence), at) for sequence in self._sequences if (at := self._held.find(sequence)) >= 0]
        if ends:  # the one that was complete first, so that it does not matter how the text was cut
            self.came = True
            told, self._held = self._held[: min(ends)[1]], ""
            return told
        kept = max((self._begun(sequence) for sequence in self._sequences), default=0)
        told, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return told

    def rest(self) -> str:
        """What was held back, and now stands for itself."""
        rest, self._held = self._held, ""
        return rest

    def _begun(self, sequence: str) -> int:
        """How many characters of the sequence the text ends with."""
        most = min(len(sequence) - 1, len(self._held))
        return next((count for count in range(most, 0, -1) if self._held.endswith(sequence[:count])), 0)
