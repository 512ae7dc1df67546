"""Which texts are computed together: those of about one length, so that little is filled up, as many as fill a processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["at_once", "together"]

_TOGETHER = 1024
"""Tokens that a thread computes at once: more would not stay in the processor's cache, fewer would leave it waiting."""
_ON_A_CARD = 16384
_BEGINNING = 20
"""A batch costs a twentieth of a full one before its first token: measured, 6 ms of 130."""


def at_once(device: Any) -> int:
    """Tokens of one batch, where it is computed."""
    import torch

    return _TOGETHER * torch.get_num_threads() if device.type == "cpu" else _ON_A_CARD


def together(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """The places of texts with these lengths, the longest first: each batch has ``tokens`` at most once it is filled up.

    Of all ways to cut the texts, in the order of their lengths, the one that costs least.
    """
    import numpy as np

    sizes = -np.sort(-np.asarray(lengths, np.int64))
    least, begins = np.zeros(len(sizes) + 1), np.zeros(len(sizes) + 1, np.int64)
    places, first = np.arange(len(sizes)), 0
    for end in range(1, len(sizes) + 1):
        while first < end - 1 and sizes[first] * (end - first) > tokens:
            first += 1
        costs = least[first:end] + sizes[first:end] * (end - places[first:end])
        best = int(costs.argmin())
        begins[end], least[end] = first + best, costs[best] + tokens / _BEGINNING
    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist()
    batches, end = [], len(order)
    while end:
        batches.append(order[begins[end] : end])
        end = int(begins[end])
    return batches[::-1]
