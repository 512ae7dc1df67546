"""A small Llama in numpy: the way forward, and the way back that it learns by.

Every step gives its result, and a function that turns the gradient of the result into the gradients of what went in. Weights go
by the names that GGUF has for them, matrices as (out, in).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Weights: TypeAlias = dict[str, Array]
Back: TypeAlias = Callable[[Array], Array]

EPSILON = 1e-5
BASE = 10_000.0


@dataclass(frozen=True)
class Shape:
    """How large the network is."""

    vocabulary: int
    width: int = 128
    layers: int = 3
    heads: int = 4
    inner: int = 352
    context: int = 128


def initial(shape: Shape, seed: int) -> Weights:
    """Weights before the first lesson."""
    random = np.random.default_rng(seed)

    def matrix(out: int, into: int) -> Array:
        return random.normal(0, 0.02 if out == shape.vocabulary else into**-0.5, (out, into)).astype(np.float32)

    width, inner = shape.width, shape.inner
    weights = {"token_embd": matrix(shape.vocabulary, width), "output": matrix(shape.vocabulary, width)}
    weights["output_norm"] = np.ones(width, np.float32)
    for layer in range(shape.layers):
        block = {name: matrix(width, width) for name in ("attn_q", "attn_k", "attn_v", "attn_output")}
        block |= {"ffn_gate": matrix(inner, width), "ffn_up": matrix(inner, width), "ffn_down": matrix(width, inner)}
        block |= {"attn_norm": np.ones(width, np.float32), "ffn_norm": np.ones(width, np.float32)}
        weights |= {f"blk.{layer}.{name}": values for name, values in block.items()}
    return weights


def log_probabilities(weights: Weights, shape: Shape, tokens: NDArray[np.int64]) -> Array:
    """Of every token at every place, (batch, places, vocabulary), given those before it."""
    return _log_softmax(_Pass(weights, shape).forward(tokens))


def lesson(weights: Weights, shape: Shape, tokens: NDArray[np.int64]) -> tuple[float, Weights]:
    """The mean loss of foretelling each token of (batch, places + 1) from those before it, and the gradient of every weight."""
    network = _Pass(weights, shape)
    foretold = _log_softmax(network.forward(tokens[:, :-1]))
    right = tokens[:, 1:, None]
    gradient = np.exp(foretold)
    np.put_along_axis(gradient, right, np.take_along_axis(gradient, right, -1) - 1, -1)
    network.back(gradient / right.size)
    return float(-np.take_along_axis(foretold, right, -1).mean()), network.gradients


class _Pass:
    """One way forward and back."""

    def __init__(self, weights: Weights, shape: Shape) -> None:
        self.weights, self.shape = weights, shape
        self.gradients: Weights = {}
        self.back: Callable[[Array], None]

    def forward(self, tokens: NDArray[np.int64]) -> Array:
        rotation = _rotation(tokens.shape[1], self.shape.width // self.shape.heads)
        x, blocks = self.weights["token_embd"][tokens], []
        for layer in range(self.shape.layers):
            x, back_attention = self._attention(x, f"blk.{layer}.", rotation)
            x, back_inner = self._inner(x, f"blk.{layer}.")
            blocks += [back_attention, back_inner]
        x, back_norm = self._norm(x, "output_norm")
        logits, back_output = self._linear(x, "output")

        def back(gradient: Array) -> None:
            gradient = back_norm(back_output(gradient))
            for block in reversed(blocks):
                gradient = block(gradient)
            embedded = np.zeros_like(self.weights["token_embd"])
            np.add.at(embedded, tokens, gradient)
            self.gradients["token_embd"] = embedded

        self.back = back
        return logits

    def _attention(self, x: Array, block: str, rotation: Array) -> tuple[Array, Back]:
        """What stands before, looked at by every head, and added."""
        batch, places, width = x.shape
        heads = self.shape.heads

        def split(y: Array) -> Array:
            return y.reshape(batch, places, heads, width // heads).swapaxes(1, 2)

        def merged(y: Array) -> Array:
            return y.swapaxes(1, 2).reshape(batch, places, width)

        normal, back_norm = self._norm(x, f"{block}attn_norm")
        (q, back_q), (k, back_k), (v, back_v) = (self._linear(normal, f"{block}attn_{name}") for name in "qkv")
        q, k, v = _turned(split(q), rotation), _turned(split(k), rotation), split(v)
        scale = np.float32((width // heads) ** -0.5)
        scores = q @ k.swapaxes(-1, -2) * scale
        scores[..., np.triu(np.ones((places, places), bool), 1)] = -np.inf
        shares = np.exp(_log_softmax(scores))
        seen, back_output = self._linear(merged(shares @ v), f"{block}attn_output")

        def back(gradient: Array) -> Array:
            out = split(back_output(gradient))
            of_shares = out @ v.swapaxes(-1, -2)
            of_scores = shares * (of_shares - (of_shares * shares).sum(-1, keepdims=True)) * scale
            into = back_q(merged(_turned(of_scores @ k, rotation.conj())))
            into = into + back_k(merged(_turned(of_scores.swapaxes(-1, -2) @ q, rotation.conj())))
            into += back_v(merged(shares.swapaxes(-1, -2) @ out))
            return gradient + back_norm(into)

        return x + seen, back

    def _inner(self, x: Array, block: str) -> tuple[Array, Back]:
        """SwiGLU, added."""
        normal, back_norm = self._norm(x, f"{block}ffn_norm")
        gate, back_gate = self._linear(normal, f"{block}ffn_gate")
        up, back_up = self._linear(normal, f"{block}ffn_up")
        half = 1 / (1 + np.exp(-gate))
        down, back_down = self._linear(gate * half * up, f"{block}ffn_down")

        def back(gradient: Array) -> Array:
            into = back_down(gradient)
            of_gate = back_gate(into * up * half * (1 + gate * (1 - half)))
            return gradient + back_norm(of_gate + back_up(into * gate * half))

        return x + down, back

    def _linear(self, x: Array, name: str) -> tuple[Array, Back]:
        weight = self.weights[name]

        def back(gradient: Array) -> Array:
            self.gradients[name] = gradient.reshape(-1, gradient.shape[-1]).T @ x.reshape(-1, x.shape[-1])
            return gradient @ weight

        return x @ weight.T, back

    def _norm(self, x: Array, name: str) -> tuple[Array, Back]:
        weight = self.weights[name]
        size = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(EPSILON))
        normal = x * size

        def back(gradient: Array) -> Array:
            self.gradients[name] = (gradient * normal).sum((0, 1))
            gradient = gradient * weight
            return size * (gradient - normal * (gradient * normal).mean(-1, keepdims=True))

        return normal * weight, back


def _rotation(places: int, width: int) -> NDArray[np.complex64]:
    """By how much each pair of a head's numbers is turned at each place: neighbours make a pair, as llama.cpp has it."""
    angles = np.arange(places)[:, None] * BASE ** (-np.arange(0, width, 2) / width)
    return np.exp(1j * angles).astype(np.complex64)


def _turned(x: Array, rotation: NDArray[np.complex64]) -> Array:
    return (np.ascontiguousarray(x).view(np.complex64) * rotation).view(np.float32)


def _log_softmax(x: Array) -> Array:
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))
