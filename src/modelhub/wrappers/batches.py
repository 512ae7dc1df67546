"""Batches: which texts go into one request, and how a text that is too long is cut. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from modelhub.model import ModelCard

__all__ = ["CountTokens", "Limits", "may_exceed", "pieces"]

CountTokens = Callable[[str], int]

_ITEMS = 256
"""Texts of one request to a model that does not say how many it takes; it takes fewer where it refuses them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold. ``tokens`` are estimated by ``count``, which errs upward."""

    count: CountTokens
    items: int
    tokens: int | None = None
    size: int | None = None
    """Bytes of UTF-8."""

    @classmethod
    def of(cls, card: ModelCard, count: CountTokens) -> Limits:
        """What the card says."""
        return cls(count, card.max_batch or _ITEMS, card.limits.get("batch_tokens"), card.limits.get("batch_bytes"))

    def with_items(self, items: int) -> Limits:
        """The same with fewer texts a request."""
        return self if items >= self.items else replace(self, items=items)

    def batches(self, texts: Sequence[str], places: Sequence[int]) -> Iterator[Sequence[int]]:
        """The places of the texts that go together, in their order. A text that is too large for any request goes alone."""
        if len(places) <= self.items and self._surely_fit(texts, places):
            if places:
                yield places
            return
        start, tokens, size = 0, 0, 0
        for end, place in enumerate(places):
            more_tokens = 0 if self.tokens is None else self.count(texts[place])
            more_size = 0 if self.size is None else len(texts[place].encode())
            tokens, size = tokens + more_tokens, size + more_size
            if end > start and (end - start >= self.items or self._exceeded(tokens, size)):
                yield places[start:end]
                start, tokens, size = end, more_tokens, more_size
        if start < len(places):
            yield places[start:]

    def _exceeded(self, tokens: int, size: int) -> bool:
        return (self.tokens is not None and tokens > self.tokens) or (self.size is not None and size > self.size)

    def _surely_fit(self, texts: Sequence[str], places: Sequence[int]) -> bool:
        """Whether the texts' lengths alone tell that one request takes them."""
        if self.tokens is None and self.size is None:
            return True
        letters = sum(_letters(texts[place]) for place in places)
        return not self._exceeded(letters, letters)


def _letters(text: str) -> int:
    """At least as many as the text has bytes, or tokens."""
    return len(text) if text.isascii() else 4 * len(text)


def may_exceed(text: str, tokens: int) -> bool:
    """Whether a text might have more tokens; of most, their length alone tells that they have not."""
    return _letters(text) > tokens


def pieces(text: str, tokens: int, count: CountTokens) -> Iterator[str]:
    """The text in pieces of at most about ``tokens`` each, cut at white space where there is some near; nothing is lost.

    One after another: whoever wants the first alone pays for it alone.
    """
    start = 0
    while start < len(text):
        end = _end(text, start, tokens, count)
        yield text[start:end]
        start = end


def _end(text: str, start: int, tokens: int, count: CountTokens) -> int:
    """Where a piece ends that starts there. No more of the text is counted than it takes."""
    reach = 8 * tokens
    while count(text[start : start + reach]) <= tokens:
        if start + reach >= len(text):
            return len(text)
        reach *= 2
    low, high = 1, min(len(text) - start, reach)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(text[start : start + middle]) <= tokens else (low, middle - 1)
    spaces = [place for place in range(max(low * 9 // 10, 1), low) if text[start + place].isspace()]
    return start + (spaces[-1] + 1 if spaces else low)
