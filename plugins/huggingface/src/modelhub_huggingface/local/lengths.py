"""Which texts are computed together: those of about one length, and as many as fill the processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["together"]

_ENOUGH = 256
"""Tokens from which on a batch of its own is cheaper than filling much shorter texts up to the same length."""


def together(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """The places of texts with these lengths, the longest first: each batch has ``tokens`` at most once it is filled up."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    for end, place in enumerate(order):
        longest, count = lengths[order[start]], end - start
        much_shorter = longest * count >= _ENOUGH and 4 * lengths[place] < 3 * longest
        if count and (longest * (count + 1) > tokens or much_shorter):
            yield order[start:end]
            start = end
    if order:
        yield order[start:]
