"""The example that trains a model from nothing: it learns, and llama.cpp runs what it wrote as numpy ran it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import trained_model

from modelhub import Hub

pytest.importorskip("gguf", reason="gguf is not installed: pip install gguf")
sys.path.insert(0, str(trained_model.EXAMPLE))  # a folder of scripts, not a package

from network import Shape, Weights, initial, lesson, log_probabilities
from pieces import FIRST_BYTE, FIRST_PIECE, SPACE, Pieces

pytestmark = pytest.mark.timeout(180)


class Learnt(NamedTuple):
    """A model that was trained for a moment."""

    file: Path
    weights: Weights
    shape: Shape
    pieces: Pieces
    losses: list[float]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    folder = tmp_path_factory.mktemp("trained")
    subprocess.run([sys.executable, trained_model.__file__, str(folder)], check=True, timeout=170)
    weights = dict(np.load(folder / "weights.npz"))
    words = (folder / "words.txt").read_bytes().decode().split("\0")
    shape = Shape(trained_model.KINDS, width=32, layers=2, heads=2, inner=64, context=96)
    return Learnt(
        folder / "trained.gguf",
        weights,
        shape,
        Pieces(tuple(words)),
        np.loadtxt(folder / "losses.txt", encoding="utf-8").tolist(),
    )


def test_the_way_back_is_the_slope_of_the_loss() -> None:
    """For one weight of each matrix: by the gradient, and by moving it a little."""
    shape = Shape(50, width=16, layers=2, heads=2, inner=24, context=12)
    weights = initial(shape, 0)
    weights["token_embd"] *= 50  # far from nothing, where the norm would bend within so small a step
    tokens = np.random.default_rng(1).integers(0, 50, (3, 13))
    _, gradients = lesson(weights, shape, tokens)
    for name, values in weights.items():
        place = np.unravel_index(np.argmax(np.abs(gradients[name])), values.shape)
        losses = []
        for moved in (values[place] + 0.01, values[place] - 0.01):
            values[place], kept = moved, values[place]
            losses.append(lesson(weights, shape, tokens)[0])
            values[place] = kept
        assert gradients[name][place] == pytest.approx((losses[0] - losses[1]) / 0.02, rel=0.1, abs=5e-4), name


def test_the_loss_falls(learnt: Learnt) -> None:
    first, last = np.mean(learnt.losses[:5]), np.mean(learnt.losses[-5:])
    assert first == pytest.approx(np.log(trained_model.KINDS), abs=0.3), "before the first lesson, all tokens are alike"
    assert last < first - 1.5


def test_a_vocabulary_spells_every_text() -> None:
    pieces = Pieces.learn(["the lighthouse and the light", "灯台の灯"] * 8, 300)
    assert f"{SPACE}the" in pieces.words
    assert pieces.encode("🗼") == [FIRST_BYTE + byte for byte in "🗼".encode()], (
        "what is not in the vocabulary is written as bytes"
    )
    numbers = pieces.encode("the light, 灯台の灯")
    assert min(numbers[:2]) >= FIRST_PIECE
    assert len(numbers) < len("the light, 灯台の灯")


@pytest.mark.parametrize("question", ["Which model?", "どのモデルを選べばよいですか？", "  two spaces, 🗼 and\n\na line"])
def test_llama_cpp_foretells_what_numpy_foretells(learnt: Learnt, question: str) -> None:
    """Cut into the same tokens by the same template, and the same log-probabilities to 0.02 (its weights have 16 bits)."""
    pytest.importorskip("xllamacpp", reason='llama.cpp is not installed: pip install "modelhub-llama[engine]"')
    prompt = learnt.pieces.question(question)
    with Hub({"providers": {"llama": {"threads": 1}}}) as hub:
        answer = hub.text(f"llama:{learnt.file}").generate(question, max_output_tokens=16, temperature=0, logprobs=1)
    assert answer.usage.input_tokens == len(prompt)
    assert answer.logprobs
    for token in answer.logprobs:
        foretold = log_probabilities(learnt.weights, learnt.shape, np.array([prompt]))[0, -1]
        prompt.append(int(foretold.argmax()))
        if prompt[-1] < FIRST_PIECE and prompt[-1] not in range(FIRST_BYTE, FIRST_BYTE + 0x80):
            break  # half a character, or a special: the server tells of a token when there is text to it
        second, first = np.sort(foretold)[-2:]
        assert token.logprob == pytest.approx(float(first), abs=0.02)
        if first - second < 0.02:
            break  # the two may take different ways from here
