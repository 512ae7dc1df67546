"""Trains a model for a moment, in a process of its own: writes its file, and its weights and losses as numpy has them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXTS = [ROOT / "docs" / "explanation" / "choosing-a-model.ja.md", ROOT / "docs" / "tutorial" / "first-answer.md"]
EXAMPLE = ROOT / "examples" / "tiny-model"
KINDS = 512


def main(folder: str) -> None:
    sys.path.insert(0, str(EXAMPLE))
    import numpy as np
    from export import write
    from network import Shape
    from train import train  # before numpy: it says how many threads that may use

    shape = Shape(KINDS, width=32, layers=2, heads=2, inner=64, context=96)
    trained = train(TEXTS, 150, vocabulary=KINDS, shape=shape)
    write(Path(folder, "trained.gguf"), trained.weights, trained.shape, trained.pieces, "trained")
    np.savez(Path(folder, "weights.npz"), **trained.weights)
    Path(folder, "words.txt").write_text("\0".join(trained.pieces.words), encoding="utf-8", newline="")
    np.savetxt(Path(folder, "losses.txt"), trained.losses)


if __name__ == "__main__":
    main(sys.argv[1])
