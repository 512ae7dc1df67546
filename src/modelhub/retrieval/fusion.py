"""Several rankings made into one by reciprocal rank fusion: places count, scores of different scales do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["fused"]

_DAMPING = 60


def fused(rankings: Iterable[Sequence[int]], top_k: int) -> list[tuple[int, float]]:
    """The ``top_k`` best items of all rankings as ``(item, score)``, best first.

    Each ranking lists items, best first. An item's score is the sum of ``1 / (60 + place)`` over the rankings that have it,
    places counted from 1; of equals, the one seen first comes first.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (_DAMPING + place)
    return sorted(scores.items(), key=lambda pair: -pair[1])[: max(top_k, 0)]
