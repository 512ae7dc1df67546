"""The arithmetic of a BERT. The tokens of several texts are computed together, without padding, a few at a time.

So much as stays within the processor's cache goes through all layers at once. Only attention looks at texts apart, those of
one length together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelhub_llama.bert.weights import Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

__all__ = ["Bert", "Linear", "by_numpy"]

Linear = Callable[["Numbers"], "Numbers"]
"""Rows times a matrix, plus a bias."""
_TOGETHER = 1024
"""Tokens of one batch: more would not stay in the processor's cache, fewer would leave it waiting."""


def by_numpy(matrix: Numbers, bias: Numbers) -> Linear:
    """``matrix`` has a row for each number that comes out."""
    transposed = np.ascontiguousarray(matrix.T)

    def linear(rows: Numbers) -> Numbers:
        product: Numbers = rows @ transposed
        product += bias
        return product

    return linear


class _Norm(NamedTuple):
    weight: Numbers
    bias: Numbers
    epsilon: np.float32

    def __call__(self, rows: Numbers) -> Numbers:
        """In place: each row's mean 0, its variance 1, then scaled and moved."""
        rows -= rows.mean(axis=-1, keepdims=True)
        variance = np.einsum("ij,ij->i", rows, rows) / np.float32(rows.shape[1])
        rows *= (1 / np.sqrt(variance + self.epsilon))[:, None]
        rows *= self.weight
        rows += self.bias
        return rows


class _Layer(NamedTuple):
    attention: Linear
    """Queries, keys and values at once; the queries are scaled."""
    attention_out: Linear
    attention_norm: _Norm
    up: Linear
    down: Linear
    norm: _Norm


class Bert:
    """Vectors of texts that are given as the numbers of their pieces."""

    def __init__(self, weights: Weights, linear: Callable[[Numbers, Numbers], Linear] = by_numpy) -> None:
        tensors = weights.tensors
        self._heads, self._mean, self._normalised = weights.heads, weights.pooling == "mean", weights.normalised
        self._words = tensors["token_embd.weight"]
        self._places = tensors["position_embd.weight"] + tensors["token_types.weight"][0]
        self._norm = _norm(weights, "token_embd_norm")
        self._layers = [_layer(weights, f"blk.{number}", linear) for number in range(weights.layers)]

    def vectors(self, texts: Sequence[Sequence[int]], wanted: Callable[[], bool] = lambda: True) -> Numbers:
        """A row for each text, in their order. Stops where they are no longer ``wanted``."""
        found = np.zeros((len(texts), self._words.shape[1]), np.float32)
        for places in _together(texts):
            if not wanted():
                break
            found[places] = self._batch([texts[place] for place in places])
        return found

    def _batch(self, texts: Sequence[Sequence[int]]) -> Numbers:
        """The vectors of a few texts, the shorter ones first."""
        lengths = [len(text) for text in texts]
        states = self._words[np.concatenate(texts)] + np.concatenate([self._places[:length] for length in lengths])
        states = self._norm(states)
        runs = _runs(lengths)
        for layer in self._layers:
            states = self._through(layer, states, runs)
        starts = np.cumsum([0, *lengths[:-1]])
        pooled: Numbers = states[starts]
        if self._mean:
            pooled = np.add.reduceat(states, starts)
            pooled /= np.array(lengths, np.float32)[:, None]
        if self._normalised:
            pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled

    def _through(self, layer: _Layer, states: Numbers, runs: Sequence[_Run]) -> Numbers:
        parts = layer.attention(states)
        seen = np.empty_like(states)
        for run in runs:
            seen[run.rows] = _attention(parts[run.rows], run, self._heads)
        attended = layer.attention_out(seen)
        attended += states
        states = layer.attention_norm(attended)
        out = layer.down(_gelu(layer.up(states)))
        out += states
        return layer.norm(out)


class _Run(NamedTuple):
    """Texts of one length that stand behind each other."""

    rows: slice
    texts: int
    length: int


def _runs(lengths: Sequence[int]) -> list[_Run]:
    runs, start = [], 0
    for length, same in groupby(lengths):
        count = len(list(same))
        runs.append(_Run(slice(start, start + count * length), count, length))
        start += count * length
    return runs


def _attention(parts: Numbers, run: _Run, heads: int) -> Numbers:
    """What each token of each text takes over from the others of it."""
    queries, keys, values = parts.reshape(run.texts, run.length, 3, heads, -1).transpose(2, 0, 3, 1, 4)
    seen: Numbers = _softmax(queries @ keys.swapaxes(-1, -2)) @ values
    return seen.transpose(0, 2, 1, 3).reshape(run.texts * run.length, -1)


def _together(texts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The places of the texts that are computed together, by length."""
    batch: list[int] = []
    tokens = 0
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
        tokens += len(texts[place])
        if batch and tokens > _TOGETHER:
            yield batch
            batch, tokens = [], len(texts[place])
        batch.append(place)
    if batch:
        yield batch


def _layer(weights: Weights, name: str, linear: Callable[[Numbers, Numbers], Linear]) -> _Layer:
    tensors = weights.tensors

    def made(part: str) -> Linear:
        return linear(tensors[f"{name}.{part}.weight"], tensors[f"{name}.{part}.bias"])

    scale = np.float32((tensors["token_embd.weight"].shape[1] / weights.heads) ** -0.5)
    joined = [
        np.concatenate([tensors[f"{name}.attn_q.{end}"] * scale, *(tensors[f"{name}.attn_{part}.{end}"] for part in "kv")])
        for end in ("weight", "bias")
    ]
    return _Layer(
        attention=linear(*joined),
        attention_out=made("attn_output"),
        attention_norm=_norm(weights, f"{name}.attn_output_norm"),
        up=made("ffn_up"),
        down=made("ffn_down"),
        norm=_norm(weights, f"{name}.layer_output_norm"),
    )


def _norm(weights: Weights, name: str) -> _Norm:
    return _Norm(weights.tensors[f"{name}.weight"], weights.tensors[f"{name}.bias"], np.float32(weights.epsilon))


def _softmax(scores: Numbers) -> Numbers:
    """In place, over the last dimension."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _gelu(rows: Numbers) -> Numbers:
    """In place, by way of tanh as llama.cpp has it: off the exact one by 0.0005 at most, which moves no vector."""
    exponents = rows * rows
    exponents *= np.float32(-0.0713548162726)
    exponents += np.float32(-1.59576912161)
    exponents *= rows
    with np.errstate(over="ignore"):  # where it is infinite, the result is 0
        np.exp(exponents, out=exponents)
    exponents += 1
    rows /= exponents
    return rows
